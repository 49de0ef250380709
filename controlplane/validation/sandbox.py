"""The throwaway databases that migrations are tried on, and the server that they live in."""

import contextlib
import shutil
import tempfile
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from controlplane.db import connect, queries
from controlplane.embedded import Cluster, embedded_bindir
from controlplane.errors import CannotRun
from controlplane.validation import roles

SCHEMA = "ctl_throwaway"  # what is ours in a database that is tried on; never part of what is judged
LOCK_KEY = 7042111631  # any number: one validation at a time per server, since roles are the server's
MEMORY, ROOM = "/dev/shm", 2 << 30  # bytes; a container's is often 64 MB: then the disk has to do
SETTINGS = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "autovacuum": "off",  # it would take locks and count rows of its own
    "max_wal_size": "2GB",
    "restart_after_crash": "on",
}


@dataclass(frozen=True)
class Scratch:
    """One throwaway database: its name, and the URL of its superuser."""

    name: str
    url: str

    def connect(self) -> psycopg.Connection[tuple[Any, ...]]:
        """An autocommit connection beside the one that the migration runs on."""
        return connect(self.url, autocommit=True, application_name="ctl validate-migration")


class Sandbox:
    """Makes, clones and drops throwaway databases of one server. Made by `opened()`."""

    def __init__(self, admin_url: str, *, own_server: bool) -> None:
        self.admin_url = admin_url
        self.own_server = own_server
        self.token = uuid.uuid4().hex
        self.sent: list[str] = []
        """Every statement that was run here: what it speaks of is put back afterwards."""
        self._made: list[str] = []
        with self._admin() as connection:
            self.server_version = _version(connection)

    @property
    def major(self) -> int:
        """The server's major version: it decides what rewrites and what locks."""
        return int(self.server_version.split(".")[0])

    def create(self) -> Scratch:
        """An empty database with the marker and the event triggers of tracing."""
        scratch = self._new("template0")
        with scratch.connect() as connection:
            connection.execute(queries()["throwaway"].encode())
            connection.execute(f"INSERT INTO {SCHEMA}.marker (token) VALUES (%s)", [self.token])
        return scratch

    def clone(self, template: Scratch) -> Scratch:
        """A copy of a database of ours, which nobody may be connected to."""
        self.require_ours(template)
        return self._new(template.name)

    def is_ours(self, scratch: Scratch) -> bool:
        """Whether a database carries the marker row of this run: the row decides, not the name."""
        with scratch.connect() as connection:
            found = connection.execute("SELECT pg_catalog.to_regclass(%s) IS NULL", [f"{SCHEMA}.marker"])
            if found.fetchone() == (True,):
                return False
            rows = connection.execute(f"SELECT token FROM {SCHEMA}.marker").fetchall()
        return rows == [(self.token,)]

    def require_ours(self, scratch: Scratch) -> None:
        """Raise CannotRun unless this run made the database."""
        if not self.is_ours(scratch):
            raise CannotRun(
                f"database {scratch.name} was not made by this run, and is left alone",
                hint="a migration removed the marker in schema ctl_throwaway; drop the database by hand",
            )

    def drop(self, scratch: Scratch) -> None:
        """Drop a database that this run made, whoever is still connected."""
        self.require_ours(scratch)
        with self._admin() as connection:
            connection.execute(
                sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(scratch.name))
            )
        self._made.remove(scratch.name)

    @contextlib.contextmanager
    def roles_kept(self) -> Iterator[None]:
        """Put the server's roles back afterwards: a migration of one unit must not meet another's."""
        with self._admin() as connection:
            before = roles.read(connection)
        try:
            yield
        finally:
            with self._admin() as connection:
                roles.restore(connection, before, self.sent)

    def wait_for_server(self, seconds: float = 30.0) -> None:
        """After a crash: until the server is back. Raises CannotRun if it does not come back."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                self._admin().close()
                return
            except CannotRun:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)

    def close(self) -> None:
        """Drop whatever is left."""
        for name in list(self._made):
            with contextlib.suppress(psycopg.Error, CannotRun):
                self.drop(Scratch(name, make_conninfo(self.admin_url, dbname=name)))

    def _new(self, template: str) -> Scratch:
        name = f"ctl_validate_{uuid.uuid4().hex[:12]}"
        statement = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY")
        with self._admin() as connection:
            try:
                connection.execute(statement.format(sql.Identifier(name), sql.Identifier(template)))
            except psycopg.errors.InsufficientPrivilege as error:
                raise CannotRun(
                    f"cannot make a throwaway database: {error.diag.message_primary}",
                    hint="name a superuser in --database-url, or leave it out for an embedded server",
                ) from None
        self._made.append(name)
        return Scratch(name, make_conninfo(self.admin_url, dbname=name))

    def _admin(self) -> psycopg.Connection[tuple[Any, ...]]:
        return connect(self.admin_url, autocommit=True)


@contextlib.contextmanager
def opened(database_url: str | None) -> Iterator[Sandbox]:
    """A sandbox on the server of `database_url`, or (None) on an embedded server of this run alone.

    Everything that it made is gone afterwards: databases, roles, server. Raises CannotRun where the server
    can't be reached, is older than PostgreSQL 15, or the login is no superuser.
    """
    if database_url is None:
        with _embedded() as cluster:
            yield Sandbox(cluster.url(), own_server=True)
        return
    dbname = conninfo_to_dict(database_url).get("dbname") or "postgres"
    with connect(database_url, autocommit=True) as connection:
        _require_fit(connection)
        connection.execute("SELECT pg_catalog.pg_advisory_lock(%s)", [LOCK_KEY])
        sandbox = Sandbox(make_conninfo(database_url, dbname=dbname), own_server=False)
        before = roles.read(connection)
        try:
            yield sandbox
        finally:
            sandbox.close()
            roles.restore(connection, before, sandbox.sent)


@contextlib.contextmanager
def _embedded() -> Iterator[Cluster]:
    directory = Path(tempfile.mkdtemp(prefix="ctl-validate-", dir=_memory()))
    directory.chmod(0o755)  # the server's user passes through
    cluster = Cluster(embedded_bindir(), directory / "data", options=SETTINGS)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.destroy()
        shutil.rmtree(directory, ignore_errors=True)


def _memory() -> str | None:
    """A file system in memory, where there is one with room: databases are copied all the time."""
    with contextlib.suppress(OSError):
        if shutil.disk_usage(MEMORY).free >= ROOM:
            return MEMORY
    return None


def _version(connection: psycopg.Connection[Any]) -> str:
    number = connection.info.server_version
    return f"{number // 10000}.{number % 10000}"


def _require_fit(connection: psycopg.Connection[Any]) -> None:
    if connection.info.server_version < 150000:
        raise CannotRun(
            f"the server is PostgreSQL {_version(connection)}", hint="PostgreSQL 15 to 18 is supported"
        )
    row = connection.execute(
        "SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user"
    ).fetchone()
    if row != (True,):
        raise CannotRun(
            "--database-url names no superuser: locks and event triggers can't be watched",
            hint="use a throwaway server's superuser, or leave the option out for an embedded server",
        )
