"""`ctl sql check`: sql/ against the migrations, and those against a live database, object by object."""

import contextlib
import uuid
from collections.abc import Iterator

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from controlplane import freeze, migrations, objects
from controlplane.db import connect
from controlplane.errors import CannotRun
from controlplane.objects import Drift


def check(url: str, *, live: bool = True) -> list[Drift]:
    """Every drift: files that were not frozen, then objects of sql/, then objects of the database.

    A scratch database on the same server is migrated to head, then sql/ is applied over it; it is dropped in
    the end. Needs CREATEDB. Raises CannotRun where the live database is not at head.
    """
    if live:
        migrations.require_head(url)
    drifts = [Drift(f"sql/{path}", detail) for path, detail in freeze.pending().items()]
    with scratch_database(url) as scratch:
        migrations.upgrade(scratch)
        with connect(scratch) as connection:
            migrated = objects.fingerprint(connection)
            drifts += _apply_sources(connection)
            edited = objects.fingerprint(connection)
    drifts += objects.differences(migrated, edited, expected_name="the migrations", found_name="sql/")
    if live:
        with connect(url) as connection:
            installed = objects.fingerprint(connection)
        drifts += objects.differences(migrated, installed, expected_name="expected", found_name="live")
    return drifts


@contextlib.contextmanager
def scratch_database(url: str) -> Iterator[str]:
    """The URL of a database on the same server that is dropped afterwards, whatever happens."""
    name = f"ctl_scratch_{uuid.uuid4().hex[:12]}"
    try:
        _create_database(url, name)
        yield make_conninfo(url, dbname=name)
    finally:
        with connect(url, autocommit=True) as connection:
            connection.execute(
                sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
            )


def _create_database(url: str, name: str) -> None:
    # template0: a site's template1 may hold objects of its own.
    statement = sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name))
    with connect(url, autocommit=True) as connection:
        try:
            connection.execute(statement)
        except psycopg.errors.InsufficientPrivilege as error:
            raise CannotRun(
                f"cannot make a scratch database to compare with: {error.diag.message_primary}",
                hint="connect as a role with CREATEDB",
            ) from None


def _apply_sources(connection: psycopg.Connection[tuple[object, ...]]) -> list[Drift]:
    """Apply each file of sql/ over the migrated schema; one that can't be applied is a drift of its own."""
    drifts = []
    for path in objects.manifest():
        try:
            with connection.transaction():
                connection.execute(objects.source(path).encode())
        except psycopg.Error as error:
            drifts.append(
                Drift(f"sql/{path}", f"cannot replace what is migrated: {error.diag.message_primary}")
            )
    return drifts
