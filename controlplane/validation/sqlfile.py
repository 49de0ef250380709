"""Texts of several statements: where each begins, and which can't share a transaction. And .sql files."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import postgast

from controlplane.errors import CannotRun
from controlplane.validation import parse
from controlplane.validation.parse import Piece

REACHES_OUT = re.compile(r"\bpg_(?:terminate_backend|cancel_backend|reload_conf|rotate_logfile|promote)\b")
HEADER = re.compile(r"\A\s*--.*\b(in|no) tx\s*$", re.MULTILINE)
PROTOCOL: Any = postgast.pg_query_pb2
TRANSACTION = PROTOCOL.TransactionStmtKind
OPENS = ("TRANS_STMT_BEGIN", "TRANS_STMT_START")
# What PostgreSQL refuses inside a transaction block (or runs in transactions of its own).
ALONE: dict[str, Callable[[Any], bool]] = {
    "vacuum_stmt": lambda node: node.is_vacuumcmd,
    "index_stmt": lambda node: node.concurrent,
    "drop_stmt": lambda node: node.concurrent,
    "reindex_stmt": lambda node: _reindexes_alone(node),
    "alter_system_stmt": lambda node: True,
    "createdb_stmt": lambda node: True,
    "dropdb_stmt": lambda node: True,
    "create_table_space_stmt": lambda node: True,
    "drop_table_space_stmt": lambda node: True,
    "create_subscription_stmt": lambda node: True,
    "drop_subscription_stmt": lambda node: True,
    "call_stmt": lambda node: True,
    "do_stmt": lambda node: "COMMIT" in str(node).upper() or "ROLLBACK" in str(node).upper(),
    "alter_table_stmt": lambda node: any(
        command.alter_table_cmd.subtype == PROTOCOL.AT_DetachPartition
        and getattr(command.alter_table_cmd, "def").partition_cmd.concurrent
        for command in node.cmds
    ),
}
# What concerns the server as a whole: tried nowhere, since no throwaway database contains it.
SERVER_WIDE = (
    "alter_system_stmt", "createdb_stmt", "dropdb_stmt", "alter_database_stmt", "alter_database_set_stmt",
    "create_table_space_stmt", "drop_table_space_stmt", "create_subscription_stmt", "load_stmt",
)  # fmt: skip


def pieces(text: str, origin: str) -> list[Piece]:
    """The statements of a text. Raises CannotRun, naming `origin` and the line, where it does not parse."""
    try:
        return parse.pieces(text)
    except parse.Unparsable as error:
        raise CannotRun(
            f"{origin}:{error.line}: {error.message}",
            hint="it is read by PostgreSQL's own parser: psql's backslash commands are no SQL",
        ) from None


def controls_transaction(piece: Piece) -> bool:
    """Whether it is BEGIN, COMMIT, ROLLBACK or the like."""
    return piece.kind == "transaction_stmt"


def runs_alone(piece: Piece) -> bool:
    """Whether it can't run in a transaction block, or may end transactions by itself."""
    return piece.kind in ALONE and ALONE[piece.kind](piece.node)


def is_server_wide(piece: Piece) -> bool:
    """Whether it reaches beyond its database (settings, files, other sessions): nothing could contain it."""
    if piece.kind == "copy_stmt":
        return bool(piece.node.is_program or piece.node.filename)
    return piece.kind in SERVER_WIDE or REACHES_OUT.search(piece.sql) is not None


def read(path: Path) -> str:
    """The text of an .sql file. Raises CannotRun where it can't be read."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise CannotRun(f"{path}: {error.strerror}", hint="check the path and its permissions") from None
    except UnicodeDecodeError as error:
        raise CannotRun(f"{path}: not UTF-8 ({error.reason})", hint="save the file as UTF-8") from None


def in_transaction(text: str, statements: list[Piece]) -> bool:
    """Whether an .sql file runs in one transaction.

    A first comment line that ends in "in tx" or "no tx" decides. Else a file with its own BEGIN, or with a
    statement that can't run in a transaction, runs outside of one, and any other inside (up to its COMMIT).
    """
    if header := HEADER.match(text):
        return header[1] == "in"
    return not any(opens(statement) or runs_alone(statement) for statement in statements)


def opens(piece: Piece) -> bool:
    """Whether it begins a transaction block."""
    return controls_transaction(piece) and TRANSACTION.Name(piece.node.kind) in OPENS


def _reindexes_alone(node: Any) -> bool:
    whole = PROTOCOL.ReindexObjectType.Name(node.kind) in (
        "REINDEX_OBJECT_SCHEMA", "REINDEX_OBJECT_SYSTEM", "REINDEX_OBJECT_DATABASE",
    )  # fmt: skip
    return whole or any(option.def_elem.defname == "concurrently" for option in node.params)
