"""The SQL that a migration really sends, statement by statement, each with the place that it was written at.

Alembic's connections are replaced by ones of our own (whatever engine its env.py makes), so that
op.execute(), op.get_bind(), batch operations and raw cursors are all seen, and none reaches another database.
"""

import contextlib
import linecache
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from types import FrameType
from typing import Any

import psycopg
import sqlalchemy
from psycopg.pq import TransactionStatus
from sqlalchemy.engine import Engine

from controlplane.errors import CannotRun
from controlplane.validation import sqlfile
from controlplane.validation.model import CapturedStatement, Location
from controlplane.validation.parse import Piece
from controlplane.validation.sqlfile import pieces
from controlplane.validation.trace import Trace

OPTIONS = "-c enable_seqscan=off -c jit=off"  # whole-table scans then mean that no index would do


@dataclass(frozen=True)
class Place:
    """Where the SQL that is being sent was written: a line of a revision, or (`whole`) an .sql file."""

    file: str
    line: int
    direction: str = "upgrade"
    revision: str | None = None
    whole: bool = False
    source: str = ""

    def of(self, piece: Piece) -> Location:
        """The place of one of its statements: its line in the file, or else that which sends it."""
        if self.whole:
            return Location(self.file, piece.line)
        if self.source.count(piece.sql) == 1:
            return Location(self.file, self.source[: self.source.index(piece.sql)].count("\n") + 1)
        return Location(self.file, self.line)


@dataclass
class Recorder:
    """Takes down the statements of one unit, and hands them to the trace, if there is one.

    `place` tells where the text that is being sent was written; None: it is not the migration's.
    `skipped` are the statements that concern the whole server: a throwaway database can't contain them.
    `sent` is where the sandbox keeps all that was sent.
    """

    trace: Trace | None = None
    place: Callable[[str], Place | None] = lambda text: None
    statements: list[CapturedStatement] = field(default_factory=list)
    skipped: list[CapturedStatement] = field(default_factory=list)
    sent: list[str] = field(default_factory=list)

    def send(self, connection: "Connection", text: str, execute: Callable[[str], Any]) -> Any:
        """Run a text of one or more statements through `execute`, each by itself."""
        place = self.place(text)
        if place is None:
            return execute(text)
        statements = pieces(text, f"{place.file}:{place.line}")
        if [piece.kind for piece in statements] == ["variable_show_stmt"]:
            return execute(text)  # SQLAlchemy asks for the isolation level in a revision's name
        idle = _is_idle(connection)
        together = len(statements) > 1 and connection.autocommit and idle
        if together and not any(sqlfile.controls_transaction(piece) for piece in statements):
            # Several statements in one message are one transaction: PostgreSQL makes it, and so do we.
            with self._block(connection):
                return [self.run(connection, piece, place, execute) for piece in statements][-1]
        result = execute(text) if not statements else None
        for piece in statements:
            result = self.run(connection, piece, place, execute)
        return result

    def run(self, connection: "Connection", piece: Piece, place: Place, execute: Callable[[str], Any]) -> Any:
        """Run one statement."""
        outside = _is_idle(connection) and connection.autocommit
        statement = CapturedStatement(
            piece.sql, place.of(piece), place.direction, not outside, place.revision
        )
        self.statements.append(statement)
        self.sent.append(piece.sql)
        if sqlfile.is_server_wide(piece):
            self.skipped.append(statement)
            return None
        try:
            return self._traced(connection, piece, statement, outside, execute)
        except psycopg.OperationalError as error:
            if connection.closed:
                raise CannotRun(
                    f"{statement.location}: the server ended the connection: {str(error).strip()}",
                    hint="the statement crashes the server, or ends its own session",
                ) from error
            raise

    def _traced(
        self,
        connection: "Connection",
        piece: Piece,
        statement: CapturedStatement,
        outside: bool,
        execute: Callable[[str], Any],
    ) -> Any:
        if self.trace is None:
            return execute(piece.sql)
        if sqlfile.controls_transaction(piece):
            result = execute(piece.sql)
            if _is_idle(connection):
                self.trace.finished()
            return result
        trace, action = self.trace, lambda: execute(piece.sql)
        if not outside:
            return trace.run(connection, statement, action)
        if sqlfile.runs_alone(piece):
            return trace.run(connection, statement, action, alone=True)
        # By itself it would commit at once: a block around it lets us look first, and changes nothing else.
        with self._block(connection):
            return trace.run(connection, statement, action)

    def ended(self) -> None:
        """The connection committed or rolled back by itself."""
        last = self.statements[-1] if self.statements else None
        if last is not None and last.in_transaction and last.sql != "COMMIT":
            self.statements.append(replace(last, sql="COMMIT"))
        if self.trace:
            self.trace.finished()

    @contextlib.contextmanager
    def _block(self, connection: "Connection") -> Iterator[None]:
        connection.pgconn.exec_(b"BEGIN")
        try:
            yield
        except BaseException:
            connection.pgconn.exec_(b"ROLLBACK")
            raise
        connection.pgconn.exec_(b"COMMIT")
        if self.trace:
            self.trace.finished()


class Capturing(psycopg.ClientCursor[Any]):
    """A cursor that tells its connection's recorder of each statement."""

    def execute(self, query: Any, params: Any = None, **kwargs: Any) -> Any:
        connection = self.connection
        assert isinstance(connection, Connection)
        text = self.mogrify(query, params) if params is not None else _text(query, connection)
        return connection.recorder.send(
            connection, text, lambda sql: super(Capturing, self).execute(sql.encode())
        )

    @contextlib.contextmanager
    def copy(self, statement: Any, params: Any = None, *, writer: Any = None) -> Iterator[Any]:
        connection = self.connection
        assert isinstance(connection, Connection)
        with super().copy(statement, params, writer=writer) as copy:
            yield copy
        text = _text(statement, connection)  # it has run: what it did is there to be seen
        connection.recorder.send(connection, text, lambda sql: None)

    def executemany(self, query: Any, params_seq: Any, *, returning: bool = False) -> None:
        rows = list(params_seq)
        if returning:
            super().executemany(query, rows, returning=True)
            return
        for row in rows:
            self.execute(query, row)


class Connection(psycopg.Connection[Any]):
    """A connection whose cursors are captured, and which tells of its commits."""

    recorder = Recorder()

    def commit(self) -> None:
        super().commit()
        self.recorder.ended()

    def rollback(self) -> None:
        super().rollback()
        self.recorder.ended()


def open_connection(url: str, recorder: Recorder, *, timeout: float, autocommit: bool = False) -> Connection:
    """A connection to a throwaway database; `timeout` in seconds ends each statement."""
    options = f"{OPTIONS} -c statement_timeout={int(timeout * 1000)}"
    connection = Connection.connect(
        url, options=options, application_name="ctl", autocommit=autocommit, prepare_threshold=None
    )
    connection.cursor_factory = Capturing
    connection.recorder = recorder
    return connection


@contextlib.contextmanager
def connected(url: str, recorder: Recorder, timeout: float) -> Iterator[Connection]:
    """A connection for the time of a `with` block; closed as it is, whatever it is in the middle of."""
    connection = open_connection(url, recorder, timeout=timeout)
    try:
        yield connection
    finally:
        connection.close()


@contextlib.contextmanager
def engines_captured(url: str, recorder: Recorder, timeout: float) -> Iterator[None]:
    """While it lasts, every connection that SQLAlchemy opens is ours to the throwaway database."""

    def do_connect(dialect: Any, record: Any, arguments: Any, parameters: Any) -> Connection:
        if (dialect.name, dialect.driver, dialect.is_async) != ("postgresql", "psycopg", False):
            kind = " (asynchronous)" if dialect.is_async else ""
            raise CannotRun(
                f"Alembic's env.py connects with {dialect.name}+{dialect.driver}{kind}",
                hint="let it take sqlalchemy.url from its configuration, or use postgresql+psycopg",
            )
        opened.append(open_connection(url, recorder, timeout=timeout))
        return opened[-1]

    opened: list[Connection] = []
    sqlalchemy.event.listen(Engine, "do_connect", do_connect)
    try:
        yield
    finally:
        sqlalchemy.event.remove(Engine, "do_connect", do_connect)
        for connection in opened:  # a pool may hold it still, and nobody can copy a database in use
            connection.close()


@dataclass
class Places:
    """Finds where the SQL that a revision sends right now was written.

    `revisions` maps a revision's file to its id. A text that is the whole of an .sql file below `root` was
    written there; hidden folders, such as that of a virtual environment, are left out.
    """

    root: Path
    revisions: dict[str, str]

    def __call__(self, text: str) -> Place | None:
        frames = [frame for frame in _stack() if frame.f_code.co_filename in self.revisions]
        if not frames:
            return None
        innermost, outermost = frames[0], frames[-1]
        file = innermost.f_code.co_filename
        direction = "downgrade" if outermost.f_code.co_name == "downgrade" else "upgrade"
        revision = self.revisions[outermost.f_code.co_filename]
        if snapshot := self._sql_file(text, linecache.getline(file, innermost.f_lineno)):
            return Place(shown(snapshot), 1, direction, revision, whole=True)
        source = "".join(linecache.getlines(file))
        return Place(shown(Path(file)), innermost.f_lineno, direction, revision, source=source)

    @cached_property
    def _files(self) -> dict[str, list[Path]]:
        files: dict[str, list[Path]] = {}
        for folder, folders, names in os.walk(self.root):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            for path in (Path(folder, name) for name in sorted(names) if name.endswith(".sql")):
                files.setdefault(path.read_text(encoding="utf-8", errors="replace"), []).append(path)
        return files

    def _sql_file(self, text: str, source_line: str) -> Path | None:
        found = self._files.get(text, [])
        return next((path for path in found if path.name in source_line), found[0] if found else None)


def run_file(path: Path, connection: Connection, recorder: Recorder) -> None:
    """Run an .sql file statement by statement, in a transaction or outside as in_transaction() says."""
    text, place = sqlfile.read(path), Place(shown(path), 1, whole=True)
    statements = pieces(text, place.file)
    connection.autocommit = not sqlfile.in_transaction(text, statements)
    with psycopg.ClientCursor(connection) as cursor:
        for piece in statements:
            recorder.run(connection, piece, place, lambda sql: cursor.execute(sql.encode()))
            if sqlfile.controls_transaction(piece) and _is_idle(connection):
                connection.autocommit = True  # a COMMIT of its own ends the transaction that we opened
    connection.commit()


def _is_idle(connection: psycopg.Connection[Any]) -> bool:
    return connection.info.transaction_status == TransactionStatus.IDLE


def _text(query: Any, connection: psycopg.Connection[Any]) -> str:
    if isinstance(query, psycopg.sql.Composable):
        return query.as_string(connection)
    return query.decode() if isinstance(query, bytes) else str(query)


def _stack() -> Iterator[FrameType]:
    frame: FrameType | None = sys._getframe(1)
    while frame:
        yield frame
        frame = frame.f_back


def shown(path: Path) -> str:
    """A path as a person would type it: relative to the working directory where it is below that."""
    absolute = path.absolute()
    return str(absolute.relative_to(Path.cwd())) if absolute.is_relative_to(Path.cwd()) else str(path)
