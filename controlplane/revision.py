"""What a revision is written with: `apply` and `drop` a snapshot of an SQL file."""

import psycopg
from alembic import op

from controlplane import resources, sqltext
from controlplane.errors import CtlError


def apply(revision: str, path: str) -> None:
    """Run a file of alembic/snapshots/<revision>/. Raises CtlError naming the file and line that failed."""
    _run(snapshot(revision, path), f"alembic/snapshots/{revision}/{path}")


def drop(revision: str, path: str) -> None:
    """Drop what a file of alembic/snapshots/<revision>/ creates."""
    statements = [created.drop for created in sqltext.created(snapshot(revision, path))]
    _run("\n".join(reversed(statements)), f"DROP of {path}")


def snapshot(revision: str, path: str) -> str:
    """The text of a snapshot."""
    return (resources.directory("alembic") / "snapshots" / revision / path).read_text(encoding="utf-8")


def _run(text: str, origin: str) -> None:
    context = op.get_context()
    if context.as_sql:
        context.impl.static_output(text)
        return
    connection = context.connection
    assert connection is not None
    try:
        # A raw cursor without parameters: `:name` in JSON and `%` in RAISE stay what they are.
        connection.connection.cursor().execute(text.encode())
    except psycopg.Error as error:
        place = error.diag.statement_position
        line = f":{text[: int(place) - 1].count(chr(10)) + 1}" if place else ""
        raise CtlError(
            f"{origin}{line}: {error.diag.message_primary or error}",
            detail=error.diag.message_detail or error.diag.context or "",
            hint=error.diag.message_hint or _hint(error),
            sqlstate=error.sqlstate or "",
        ) from error


def _hint(error: psycopg.Error) -> str:
    if isinstance(error, psycopg.errors.LockNotAvailable):
        return "another session holds the lock: run ctl migrate again when it is done"
    if isinstance(error, psycopg.errors.InsufficientPrivilege):
        return "migrate as a superuser, or as a role with CREATEROLE and CREATE on the database"
    return ""
