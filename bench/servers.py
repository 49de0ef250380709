"""The servers that are measured: clusters of the benchmark's own, durable, with a template database."""

import contextlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
from psycopg.conninfo import make_conninfo
from psycopg.types.json import Jsonb

from controlplane import migrations
from controlplane.embedded import EMBEDDED_DIRS, Cluster, ClusterError, debian_bindirs, embedded_bindir

APP = "bench_app"
"""The login that sends and reads: a member of attribution_app, so row-level security holds it."""
TEMPLATE = "bench_template"
DURABLE = {"fsync": "on", "full_page_writes": "on", "synchronous_commit": "on"}
SETTINGS = DURABLE | {
    "shared_buffers": "512MB",
    "max_wal_size": "8GB",
    "checkpoint_timeout": "30min",
    "max_connections": "50",
}
WATCHERS = ("auto_explain", "pg_stat_statements")
SHOWN = """
SELECT s.name, current_setting(s.name)
FROM pg_settings AS s
WHERE s.source = 'configuration file'
    AND s.name !~ '^(lc_|log_|unix_|default_text|dynamic_|DateStyle|TimeZone|listen)' OR s.name = ANY (%s)
ORDER BY s.name
"""
# Empty tables are left as a migration leaves them: autovacuum does not visit what never changed.
FILLED = """
SELECT c.oid::regclass::text FROM pg_class AS c
WHERE c.relnamespace IN ('attribution'::regnamespace, 'floor'::regnamespace) AND c.relkind = 'r'
    AND pg_relation_size(c.oid) > 0
"""
NEW_TENANT = """
SELECT tenant_id::text FROM attribution.create_tenant('Bench', 'bench@example.org', p_settings => %s)
"""
KEEP_RULES = """
UPDATE attribution.attribution_rules SET status = 'retired' WHERE tenant_id = %s AND name <> ALL (%s)
"""

Connection = psycopg.Connection[Any]


def available() -> dict[str, Path]:
    """The servers that can be measured here: name -> binaries."""
    found = {f"debian{major}": path for major, path in debian_bindirs().items() if major >= 15}
    for major in EMBEDDED_DIRS:
        with contextlib.suppress(ClusterError):
            found[f"embedded{major}"] = embedded_bindir(major)
    return found


class Server:
    """A cluster with the engine, the made-up data's functions and the floor in a template database."""

    def __init__(self, name: str, bindir: Path, directory: Path) -> None:
        self.name, self.bindir = name, bindir
        watchers = [name for name in WATCHERS if (bindir.parent / "lib" / f"{name}.so").exists()]
        more = {"shared_preload_libraries": ",".join(watchers)} if watchers else {}
        if "pg_stat_statements" in watchers:
            more["pg_stat_statements.track"] = "none"  # until something is to be looked into
        self.watchers = watchers
        self.cluster = Cluster(bindir, directory / name / "data", options=SETTINGS | more)

    @contextlib.contextmanager
    def running(self) -> Iterator["Server"]:
        """Start, make the template, and leave nothing behind."""
        try:
            self.cluster.start()
            with self.admin() as conn:
                conn.execute(f"CREATE DATABASE {TEMPLATE}")
            template = Database(self, TEMPLATE)
            migrations.upgrade(template.url())
            with template.connect() as conn:
                conn.execute(f"CREATE ROLE {APP} LOGIN IN ROLE attribution_app")
                for file in ("data.sql", "floor.sql"):
                    conn.execute(Path(__file__).with_name(file).read_text(encoding="utf-8").encode())
                if "pg_stat_statements" in self.watchers:
                    conn.execute("CREATE EXTENSION pg_stat_statements")
            yield self
        finally:
            self.cluster.destroy()

    def admin(self) -> Connection:
        """A superuser's autocommit connection."""
        return psycopg.connect(self.cluster.url(), autocommit=True)

    @cached_property
    def settings(self) -> dict[str, str]:
        """The version, and the settings that are not PostgreSQL's defaults or that promises rest on."""
        with self.admin() as conn:
            found = conn.execute(SHOWN, [["synchronous_commit", "jit", "work_mem"]]).fetchall()
        role = f"{APP} (attribution_app, row-level security)"
        return {"server_version": self.cluster.version, "role": role, **dict(found)}

    @contextlib.contextmanager
    def database(self, name: str) -> Iterator["Database"]:
        """A database like the template, for the time of a `with` block."""
        database = Database(self, "bench_" + re.sub(r"\W", "_", name))
        with self.admin() as conn:
            conn.execute(f"CREATE DATABASE {database.name} TEMPLATE {TEMPLATE}")
        try:
            yield database
        finally:
            with self.admin() as conn:
                conn.execute(f"DROP DATABASE {database.name} WITH (FORCE)")


@dataclass(frozen=True)
class Database:
    """One database and the ways in."""

    server: Server
    name: str

    def url(self, user: str = "postgres", **parameters: str) -> str:
        return make_conninfo(self.server.cluster.url(self.name, quote(user)), **parameters)

    def connect(self) -> Connection:
        """A superuser's autocommit connection."""
        return psycopg.connect(self.url(), autocommit=True)

    def app(self, tenant: str) -> Connection:
        """An app's autocommit connection with a tenant in context, as its pool would hold it."""
        return psycopg.connect(self.url(APP, options=context(tenant)), autocommit=True)

    def tenant(self, *, mode: str = "deferred", rules: Sequence[str] | None = ("position_based_30d",)) -> str:
        """A new tenant; of the rules that it is given, only `rules` stay active (None: all)."""
        with self.connect() as conn, conn.transaction():
            made = conn.execute(NEW_TENANT, [Jsonb({"mode": mode})]).fetchone()
            assert made
            if rules is not None:
                conn.execute(KEEP_RULES, [made[0], list(rules)])
        return str(made[0])

    def load(self, tenant: str, seed: int, count: int, **options: object) -> int:
        """Load `count` made-up sessions into a tenant (see bench.load()); returns the number of events."""
        named = "".join(f", p_{name} => %({name})s" for name in options)
        with self.connect() as conn:
            query = f"SELECT bench.load(%(tenant)s, %(seed)s, %(count)s{named})"
            made = conn.execute(query, {"tenant": tenant, "seed": seed, "count": count} | options).fetchone()
            assert made
        return int(made[0])

    def settle(self) -> None:
        """The same start for every measurement: statistics and visibility known, no checkpoint due."""
        with self.connect() as conn:
            tables = [name for (name,) in conn.execute(FILLED)]
            conn.execute(f"VACUUM (ANALYZE) {', '.join(tables)}".encode())
            conn.execute("CHECKPOINT")

    def drain(self) -> None:
        """Attribute all that is queued, as a scheduler does."""
        with self.connect() as conn:
            conn.execute("CALL attribution.run_pending(36000)")


def context(tenant: str) -> str:
    """libpq's `options` that put a tenant in context."""
    return f"-c app.current_tenant_id={tenant}"
