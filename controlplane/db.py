"""Connections: which database a command means, and how to reach it."""

import os
import re
from functools import cache
from pathlib import Path
from typing import Any

import psycopg
from psycopg.conninfo import make_conninfo

from controlplane.embedded import default_cluster
from controlplane.errors import CannotRun

LIBPQ_SERVER = ("PGHOST", "PGHOSTADDR", "PGPORT", "PGSERVICE", "PGDATABASE")
EMBEDDED_DATABASE = "attribution"
QUERY_FILES = ("queries.sql", "rules.sql", "ledger.sql", "demo.sql", "reconcile.sql", "validation.sql")


def resolve_url(option: str | None) -> str:
    """The database a command means: the option, DATABASE_URL, libpq's variables, else the embedded one."""
    if url := option or os.environ.get("DATABASE_URL"):
        return re.sub(r"^postgresql\+\w+://", "postgresql://", url)  # SQLAlchemy's spelling is welcome
    if any(os.environ.get(name) for name in LIBPQ_SERVER):
        return "postgresql://"
    return embedded_url()


def embedded_url() -> str:
    """The database of the embedded server, which is started, and the database created, if need be."""
    cluster = default_cluster()
    cluster.start()
    with psycopg.connect(cluster.url(), autocommit=True) as connection:
        query = "SELECT FROM pg_catalog.pg_database WHERE datname = %s"
        if not connection.execute(query, [EMBEDDED_DATABASE]).rowcount:
            connection.execute(f"CREATE DATABASE {EMBEDDED_DATABASE}")
    return cluster.url(EMBEDDED_DATABASE)


def connect(
    url: str, *, autocommit: bool = False, **settings: str | int
) -> psycopg.Connection[tuple[Any, ...]]:
    """Connect, or raise CannotRun with the server's own words. `settings` are further libpq parameters."""
    try:
        conninfo = make_conninfo(url, **{"application_name": "ctl", "connect_timeout": 10, **settings})
        return psycopg.connect(conninfo, autocommit=autocommit)
    except psycopg.ProgrammingError as error:  # a malformed URL
        raise CannotRun(
            f"the database URL is malformed: {str(error).strip()}",
            hint="write it as postgresql://user:password@host:5432/database",
        ) from None
    except psycopg.OperationalError as error:
        raise CannotRun(f"cannot connect: {str(error).strip()}", hint=_hint(str(error))) from None


@cache
def queries() -> dict[str, str]:
    """The named queries of QUERY_FILES: each starts with a line `-- name: …`."""
    text = "".join(Path(__file__).with_name(name).read_text(encoding="utf-8") for name in QUERY_FILES)
    parts = re.split(r"^-- name: (\w+)\n", text, flags=re.M)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def _hint(message: str) -> str:
    if "password" in message or "authentication" in message:
        return "check the user and password in the URL, PGPASSWORD or ~/.pgpass"
    if "database" in message and "does not exist" in message:
        return "create the database first (createdb), or name another one"
    if "role" in message and "does not exist" in message:
        return "name an existing user in the URL: postgresql://user@host/database"
    return "is the server up? `ctl db start` starts the embedded one; unset DATABASE_URL and PG* to use it"
