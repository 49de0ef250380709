"""SQL as a tree: statements with their lines, constants that EXECUTE runs, and fingerprints.

The parser is PostgreSQL's own (libpg_query, by postgast); nodes are its protobuf messages.
"""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import postgast
from google._upb import _message
from google.protobuf.message import Message

# A tree is as deep as its expression: 30 concatenations in a row pass the 100 levels that protobuf allows.
_message.SetAllowOversizeProtos(True)

AND = postgast.pg_query_pb2.BoolExprType.Value("AND_EXPR")
OR = postgast.pg_query_pb2.BoolExprType.Value("OR_EXPR")
IS_NULL = postgast.pg_query_pb2.NullTestType.Value("IS_NULL")
IS_NOT_NULL = postgast.pg_query_pb2.NullTestType.Value("IS_NOT_NULL")
UNKNOWN = "_dynamic_"  # stands in a constant for what is only known at run time; reads as a name
# libpg_query's JSON of a trigger function is broken where it tells of these, so they are made parameters.
TRIGGER_VARIABLES = (
    "new record, old record, tg_name text, tg_when text, tg_level text, tg_op text, tg_relid oid, "
    "tg_nargs int, tg_argv text[], tg_table_name text, tg_table_schema text, tg_relname text, "
    "tg_event text, tg_tag text"
)
SPECIFIER = re.compile(r"%(?:(\d+)\$)?-?\d*([sIL%])")


class Unparsable(Exception):
    """SQL that the parser refuses: its message, and the line within the text, from 1."""

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.message = message
        self.line = line


@dataclass(frozen=True)
class Piece:
    """One statement of a text: its SQL without the semicolon, the line that it begins on, and its node.

    `kind` is the node's name in libpg_query, such as "alter_table_stmt".
    """

    sql: str
    line: int
    kind: str
    node: Any


def pieces(text: str) -> list[Piece]:
    """The statements of a text, in order. Raises Unparsable."""
    raw = text.encode()
    try:
        parsed = postgast.parse(text)
    except postgast.PgQueryError as error:
        position = max(getattr(error, "cursorpos", 0) or 0, 1)
        raise Unparsable(str(error), text.count("\n", 0, position - 1) + 1) from error
    found = []
    for statement in parsed.stmts:
        start = statement.stmt_location
        end = start + statement.stmt_len if statement.stmt_len else len(raw)
        sql = raw[start:end].decode().rstrip().rstrip(";").rstrip()
        kind, node = unwrap(statement.stmt)
        found.append(Piece(sql, raw.count(b"\n", 0, start) + 1, kind, node))
    return found


def unwrap(node: Any) -> tuple[str, Any]:
    """The name and the message that a Node holds; ("", None) for an empty one."""
    kind = node.WhichOneof("node")
    return (kind, getattr(node, kind)) if kind else ("", None)


def walk(node: Any) -> Iterator[tuple[str, Any]]:
    """Every named node at or below a message, outermost first."""
    if node.DESCRIPTOR.name == "Node":
        kind, node = unwrap(node)
        if not kind:
            return
    else:
        kind = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", node.DESCRIPTOR.name).lower()
    yield kind, node
    for field, value in node.ListFields():
        if field.message_type is not None:
            for item in [value] if isinstance(value, Message) else value:
                yield from walk(item)


def words(nodes: Any) -> list[str]:
    """The strings of a list of String nodes, such as a qualified name."""
    return [inner.sval for kind, inner in map(unwrap, nodes) if kind == "string"]


@lru_cache(maxsize=4096)
def fingerprint(sql: str) -> str:
    """16 hex digits that stay the same when only blanks, comments or the case of keywords change.

    Unlike libpg_query's own, it tells constants apart: a waiver of WHERE id = 1 does not cover id = 2.
    """
    try:
        sql = postgast.deparse(postgast.parse(sql))
    except postgast.PgQueryError:
        sql = " ".join(sql.split())
    return hashlib.sha256(sql.encode()).hexdigest()[:16]


def expression(sql: str) -> Any:
    """The node of a lone expression. Raises Unparsable."""
    (statement,) = pieces(f"SELECT {sql}")
    return statement.node.target_list[0].res_target.val


def constant(node: Any, known: dict[str, str] | None = None) -> str | None:
    """The text that an expression gives, with UNKNOWN where it is only known at run time; None if all is.

    Understands literals, ||, format(), concat(), quote_ident(), quote_literal(), casts, and the variables in
    `known`.
    """
    kind, inner = unwrap(node)
    if kind == "a_const":
        return _literal(inner)
    if kind == "type_cast":
        return constant(inner.arg, known)
    if kind == "column_ref":
        return (known or {}).get(".".join(words(inner.fields)))
    if kind == "a_expr" and words(inner.name) == ["||"]:
        return _joined([constant(inner.lexpr, known), constant(inner.rexpr, known)])
    if kind == "func_call":
        arguments = [constant(argument, known) for argument in inner.args]
        return _called(words(inner.funcname)[-1], arguments)
    return None


def _literal(node: Any) -> str | None:
    which = node.WhichOneof("val")
    if which == "sval":
        return str(node.sval.sval)
    if which == "ival":
        return str(node.ival.ival)
    if which == "fval":
        return str(node.fval.fval)
    if which == "boolval":
        return str(node.boolval.boolval).lower()
    return None


def _joined(parts: list[str | None]) -> str | None:
    if all(part is None for part in parts):
        return None
    return "".join(UNKNOWN if part is None else part for part in parts)


def _called(name: str, arguments: list[str | None]) -> str | None:
    if name == "format" and arguments and arguments[0] is not None:
        return _format(arguments[0], arguments[1:])
    if name in ("concat", "concat_ws"):
        return _joined(arguments if name == "concat" else arguments[1:])
    if name == "quote_ident" and arguments:
        return _quoted(arguments[0])
    if name in ("quote_literal", "quote_nullable") and arguments:
        return _quoted(arguments[0], "'")
    return None


def _quoted(value: str | None, mark: str = '"') -> str:
    if value is None:
        return UNKNOWN if mark == '"' else f"'{UNKNOWN}'"
    return mark + value.replace(mark, mark * 2) + mark


def _format(template: str, arguments: list[str | None]) -> str:
    position = 0

    def fill(match: re.Match[str]) -> str:
        nonlocal position
        if match[2] == "%":
            return "%"
        position = int(match[1]) if match[1] else position + 1
        value = arguments[position - 1] if position <= len(arguments) else None
        if match[2] == "s":
            return UNKNOWN if value is None else value
        return _quoted(value, '"' if match[2] == "I" else "'")

    return SPECIFIER.sub(fill, template)


def text_of(node: Any) -> str:
    """An expression's SQL."""
    tree = postgast.parse("SELECT 1")
    tree.stmts[0].stmt.select_stmt.target_list[0].res_target.val.CopyFrom(node)
    return str(postgast.deparse(tree)).removeprefix("SELECT ")


def conjuncts(node: Any) -> Iterator[Any]:
    """The conditions that all have to hold for an expression to be true."""
    kind, inner = unwrap(node)
    if kind == "bool_expr" and inner.boolop == AND:
        for part in inner.args:
            yield from conjuncts(part)
    elif kind:
        yield node


def not_null_columns(definition: str) -> set[str]:
    """The columns that a constraint, as pg_get_constraintdef() writes it, keeps from being null."""
    text = definition.partition("CHECK")[2].strip().removesuffix("NOT VALID").strip()
    try:
        parts = list(conjuncts(expression(text))) if text else []
    except Unparsable:
        return set()
    tests = [
        inner
        for kind, inner in map(unwrap, parts)
        if kind == "null_test" and inner.nulltesttype == IS_NOT_NULL
    ]
    return {words(unwrap(test.arg)[1].fields)[-1] for test in tests if unwrap(test.arg)[0] == "column_ref"}


def plpgsql(body: str, definition: str = "") -> dict[str, Any]:
    """The tree of a PL/pgSQL body, as libpg_query's JSON has it. Raises Unparsable.

    `definition` is the whole CREATE FUNCTION where there is one: it declares the parameters. Without it the
    body is read as a DO block's, or else as that of a trigger or of some other function.
    """
    heads = [f"({TRIGGER_VARIABLES}) RETURNS record", "() RETURNS void", "() RETURNS SETOF record"]
    wrapped = [
        f"CREATE FUNCTION validated{head} LANGUAGE plpgsql AS $validated${body}$validated$" for head in heads
    ]
    refused = "no body"
    for source in [definition, *wrapped] if definition else [wrapped[1], wrapped[0], wrapped[2]]:
        try:
            (parsed,) = postgast.parse_plpgsql(source)
        except postgast.PgQueryError as error:
            refused = str(error)
        except ValueError:  # JSON that is broken, or more or less than one function
            continue
        else:
            return dict(parsed["PLpgSQL_function"])
    raise Unparsable(refused, 1)
