"""Migrations: Alembic's order and bookkeeping, our SQL files, and one migrator at a time per database."""

import contextlib
import io
import random
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import sqlalchemy
from alembic import command
from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext, RevisionStep
from alembic.script import Script, ScriptDirectory
from alembic.script.revision import ResolutionError
from alembic.util import CommandError
from sqlalchemy.pool import NullPool

from controlplane import __version__, resources
from controlplane.db import connect, queries
from controlplane.errors import CannotRun, CtlError
from controlplane.validation import assertions, waivers

VERSION_TABLE = "alembic_version"
LOCK_KEY = 7042111630  # any number: whoever migrates a database holds this advisory lock there
LOCK_TIMEOUT = "10s"  # a migration that waits longer for a table would stall the app behind it
ATTEMPTS = 20


def upgrade(url: str, revision: str = "head") -> str | None:
    """Bring a database up to a revision; returns the one it had (None: not installed).

    Raises CtlError or CannotRun; a failed revision leaves no trace.
    """
    with _migrating(url) as current:
        _refuse_newer(current)
        _ensure_schema(url)
        try:
            _run(url, lambda config: _upgrade(config, revision))
        finally:
            remove_empty_schema(url)
    return current


def downgrade(url: str, revision: str) -> str | None:
    """Bring a database down to a revision; returns the one it had (None: not installed).

    "base" removes the schema too, if nothing else is left in it. Raises CtlError or CannotRun.
    """
    with _migrating(url) as current:
        if current is not None:
            _refuse_newer(current)
            _run(url, lambda config: command.downgrade(config, revision))
            remove_empty_schema(url)
    return current


def script(revision: str = "head") -> str:
    """The SQL of an upgrade from nothing to a revision, for a person to review or run."""
    output = io.StringIO()
    config = _config()
    config.output_buffer = output
    _explained(lambda: command.upgrade(config, revision, sql=True))
    return "CREATE SCHEMA IF NOT EXISTS attribution;\n\n" + output.getvalue()


def status(url: str) -> dict[str, Any]:
    """Where a database stands: `current` (None: not installed), `head`, `pending` and `state`.

    `state` is "empty", "behind", "current" or "ahead" (a revision that this ctl does not know).
    """
    current, known = current_revision(url), revisions()
    if current is not None and current not in known:
        return {"current": current, "head": known[-1], "pending": [], "state": "ahead"}
    pending = known[known.index(current) + 1 :] if current else known
    state = "current" if not pending else "behind" if current else "empty"
    return {"current": current, "head": known[-1], "pending": pending, "state": state}


def require_head(url: str) -> None:
    """Raise CannotRun, saying what to do, unless the database has exactly the schema that this ctl knows."""
    found = status(url)
    if found["state"] == "empty":
        raise CannotRun("pg-attribution is not installed in this database", hint="run: ctl migrate")
    if found["state"] == "behind":
        raise CannotRun(
            f"the database is at revision {found['current']}, this ctl ({__version__}) needs {found['head']}",
            hint="run: ctl migrate",
        )
    _refuse_newer(found["current"])


def current_revision(url: str) -> str | None:
    """The revision of a database, None where pg-attribution is not installed."""
    with connect(url, autocommit=True) as connection:
        if connection.execute(queries()["version_table_exists"]).fetchone() == (False,):
            return None
        row = connection.execute(f"SELECT version_num FROM attribution.{VERSION_TABLE}").fetchone()
        return row[0] if row else None


def revisions() -> list[str]:
    """Every revision that this ctl ships, oldest first."""
    scripts = ScriptDirectory.from_config(_config())
    return [revision.revision for revision in scripts.walk_revisions()][::-1]


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(resources.directory("alembic")).replace("%", "%%"))
    config.set_main_option("path_separator", "newline")  # a path may contain spaces, commas and colons
    return config


def _refuse_newer(current: str | None) -> None:
    known = revisions()
    if current is not None and current not in known:
        raise CannotRun(
            f"the database is at revision {current}, newer than this ctl ({__version__}), "
            f"whose newest is {known[-1]}",
            hint="upgrade ctl: pip install --upgrade pg-attribution",
        )


@contextlib.contextmanager
def _migrating(url: str) -> Iterator[str | None]:
    """Hold the database's migration lock; yields its revision.

    The lock is asked for again and again rather than waited for: a waiting statement holds a snapshot, and
    CREATE INDEX CONCURRENTLY would wait for that.
    """
    with connect(url, autocommit=True) as connection:
        while connection.execute("SELECT pg_catalog.pg_try_advisory_lock(%s)", [LOCK_KEY]).fetchone() != (
            True,
        ):
            time.sleep(0.1)
        yield current_revision(url)


def _ensure_schema(url: str) -> None:
    """Alembic keeps its table in the schema, so the schema comes first."""
    with connect(url, autocommit=True) as connection:
        if connection.execute("SELECT pg_catalog.to_regnamespace('attribution') IS NULL").fetchone() == (
            True,
        ):
            connection.execute("CREATE SCHEMA attribution")


def remove_empty_schema(url: str) -> None:
    """After the downgrade of the first revision, or its failed upgrade: leave nothing behind."""
    if current_revision(url) is None:
        with connect(url, autocommit=True) as connection:
            connection.execute(queries()["drop_version_schema"].encode())


def _run(url: str, action: Callable[[Config], None]) -> None:
    """Run an Alembic command on a connection of its own.

    Roles are cluster-wide: a migration of another database of the same server can collide with ours on them.
    The revision has then been rolled back whole, and is tried again.
    """
    config = _config()
    engine = sqlalchemy.create_engine("postgresql+psycopg://", creator=lambda: _open(url), poolclass=NullPool)
    sqlalchemy.event.listen(engine, "begin", limit_lock_waits)
    for attempt in range(ATTEMPTS):
        try:
            with engine.connect() as connection:
                config.attributes["connection"] = connection
                _explained(lambda: action(config))
            return
        except CtlError as error:
            if attempt == ATTEMPTS - 1 or not _is_collision(error):
                raise
        time.sleep(random.uniform(0.05, 0.5))


def _upgrade(config: Config, revision: str) -> None:
    """What command.upgrade() does; a revision with waivers has to keep their promises."""
    scripts = ScriptDirectory.from_config(config)

    def steps(current: Any, context: MigrationContext) -> list[RevisionStep]:
        found = scripts._upgrade_revs(revision, current)  # as Alembic's cookbook has it
        for step in found:
            step.migration_fn = partial(_with_waivers, step.migration_fn, step.revision, context)
        return found

    with EnvironmentContext(config, scripts, fn=steps, starting_rev=None, destination_rev=revision):
        scripts.run_env()


def _with_waivers(
    migrate: Callable[..., None], script: Script, context: MigrationContext, **kwargs: Any
) -> None:
    """Run a revision between the assertions of its waivers, under locks, and the record of them."""
    given, _ = waivers.read(Path(script.path))
    connection = context.connection
    assert connection is not None
    driver = connection.connection.driver_connection
    assert isinstance(driver, psycopg.Connection)
    cursor = driver.cursor()
    for waiver in given:
        assertions.require(cursor, waiver)
    migrate(**kwargs)
    for waiver in given:
        assertions.record(cursor, script.revision, waiver)


def _open(url: str) -> psycopg.Connection[Any]:
    connection = connect(url)
    connection.prepare_threshold = None  # a file of many statements can't be prepared
    return connection


def limit_lock_waits(connection: sqlalchemy.Connection) -> None:
    """Wait for no lock longer than LOCK_TIMEOUT, in the transaction that begins."""
    connection.connection.cursor().execute(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'")


def _is_collision(error: CtlError) -> bool:
    return "concurrently updated" in error.message or "pg_authid_rolname_index" in error.message


def _explained(action: Callable[[], None]) -> None:
    try:
        action()
    except (CommandError, ResolutionError) as error:
        raise CtlError(str(error), hint="`ctl migrate status` lists the revisions") from error
