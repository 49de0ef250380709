"""The PostgreSQL servers that tests run on: found, started once per run, described, stopped.

The run's controller starts them (`Fleet`); xdist's workers get the descriptions (`Server`) and share template
databases, which are made once under a file lock and cloned per test.
"""

import contextlib
import fcntl
import gc
import os
import re
import secrets
import shutil
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from controlplane import migrations
from controlplane.embedded import EMBEDDED_DIRS, Cluster, ClusterError, debian_bindirs, embedded_bindir

SUPPORTED = range(15, 19)
# fsync off outlives a killed server, not a power cut: durable enough to test kills, and much faster.
SETTINGS = {"fsync": "off", "full_page_writes": "off", "max_connections": "200", "max_worker_processes": "24"}
CRON_DATABASE = "attribution_cron"  # pg_cron lives in one database per server, named when the server starts
CRON_SETTINGS = {
    "shared_preload_libraries": "pg_cron",
    "cron.database_name": CRON_DATABASE,
    "cron.use_background_workers": "on",  # the throwaway servers don't listen on TCP
}
EXTENSIONS = ("pgtap", "plpgsql_check", "pg_cron")
DOCKER_IMAGE = "postgres:17"


class TemplateError(RuntimeError):
    """A template database could not be built: said once in full, and again by every test that needs it."""


@dataclass(frozen=True)
class Server:
    """One running server, as plain data. `bindir` and `datadir` are empty for servers that aren't ours."""

    name: str
    admin_url: str
    rundir: str
    prefix: str = field(default_factory=lambda: f"t_{secrets.token_hex(4)}")
    version: str = ""
    extensions: tuple[str, ...] = ()
    bindir: str = ""
    datadir: str = ""

    @property
    def major(self) -> int:
        return int(self.version.split(".")[0])

    @property
    def cluster(self) -> Cluster | None:
        """The cluster to stop, start or look into; None for a container and for TEST_DATABASE_URL."""
        return local_cluster(Path(self.bindir), Path(self.datadir)) if self.datadir else None

    @property
    def has_pgtap(self) -> bool:
        return "pgtap" in self.extensions or pgtap_script() is not None

    def url(self, dbname: str = "postgres", **params: str) -> str:
        """A libpq URL of one database; `params` (user, options …) replace those of the superuser's URL."""
        return url_with(self.admin_url, dbname=dbname, **params)

    def admin(self) -> psycopg.Connection[Any]:
        """A superuser's autocommit connection, for what concerns the server as a whole."""
        return psycopg.connect(self.admin_url, autocommit=True)

    def create(self, kind: str, name: str = "") -> "Database":
        """A new database: "blank", or a clone of the template "migrated" or "pgtap" (that, and pgTAP)."""
        name = name or f"{self.prefix}_{secrets.token_hex(4)}"
        template = "template0" if kind == "blank" else self._template(kind)
        with self.admin() as conn:
            conn.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
                    sql.Identifier(name), sql.Identifier(template)
                )
            )
        return Database(self, name)

    @contextlib.contextmanager
    def database(self, kind: str, name: str = "") -> Iterator["Database"]:
        """A database for the time of a `with` block."""
        database = self.create(kind, name)
        try:
            yield database
        finally:
            database.drop()

    @contextlib.contextmanager
    def locked(self, name: str) -> Iterator[None]:
        """One at a time among all processes of this run."""
        with Path(self.rundir, f"{self.name}.{name}.lock").open("w") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield

    def _template(self, kind: str) -> str:
        name = f"{self.prefix}_{kind}"
        failure = Path(self.rundir, f"{self.name}.{kind}.failed")
        with self.locked(kind):
            if failure.exists():
                raise TemplateError(f"the {kind} template failed before: {failure.read_text()}")
            with self.admin() as conn:
                if conn.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
                    return name
            try:
                database = self.create("blank" if kind == "migrated" else "migrated", f"{name}_building")
                migrations.upgrade(database.url) if kind == "migrated" else load_pgtap(database)
            except Exception as error:
                failure.write_text(f"{type(error).__name__}: {error}")
                raise
            with self.admin() as conn:
                conn.execute(
                    sql.SQL("ALTER DATABASE {} RENAME TO {}").format(
                        sql.Identifier(database.name), sql.Identifier(name)
                    )
                )
        return name


@dataclass(frozen=True)
class Database:
    """One database of a server, and the superuser's way in."""

    server: Server
    name: str

    @property
    def url(self) -> str:
        return self.server.url(self.name)

    def connect(self, **kwargs: Any) -> psycopg.Connection[Any]:
        """A superuser's connection; `kwargs` as psycopg.connect takes them."""
        return psycopg.connect(self.url, **kwargs)

    def drop(self) -> None:
        """Drop the database, whoever is still connected."""
        with self.server.admin() as conn:
            conn.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(self.name)))


@dataclass
class Fleet:
    """The servers of one run: `servers` are up, `absent` can't run here, `broken` should have started."""

    servers: dict[str, Server] = field(default_factory=dict)
    absent: dict[str, str] = field(default_factory=dict)
    broken: dict[str, str] = field(default_factory=dict)
    rundir: str = ""
    _stack: contextlib.ExitStack = field(default_factory=contextlib.ExitStack, repr=False)

    def start(self, chosen: Sequence[str] = ()) -> None:
        """Start every server that this machine has, or the chosen. Raises ValueError for an unknown name."""
        startable, self.absent = candidates()
        if unknown := set(chosen) - set(startable) - set(self.absent):
            raise ValueError(f"no server is called {', '.join(sorted(unknown))}; there are {[*startable]}")
        left_out = [name for name in startable if chosen and name not in chosen]
        self.absent |= dict.fromkeys(left_out, "left out by --server")
        self.broken = {name: self.absent.pop(name) for name in chosen if name in self.absent}
        self.rundir = tempfile.mkdtemp(prefix="pga-tests-")
        self._stack.callback(shutil.rmtree, self.rundir, ignore_errors=True)
        Path(self.rundir).chmod(0o755)  # the servers' user passes through
        wanted = [name for name in startable if name not in left_out]
        with ThreadPoolExecutor() as pool:
            futures = {name: pool.submit(self._start_one, name, startable[name]) for name in wanted}
        for name, future in futures.items():
            if error := future.exception():
                # An engine without network can't fetch its image: said, but no fault of the tests.
                (self.absent if name.startswith("docker") else self.broken)[name] = str(error)
            else:
                self.servers[name] = future.result()

    def _start_one(self, name: str, start: "Start") -> Server:
        server, stop = start(name, self.rundir)
        self._stack.callback(stop)  # at once: an interrupt of the main thread must not lose it
        return server

    def close(self) -> None:
        """Stop what was started and remove every file."""
        self._stack.close()

    def describe(self) -> dict[str, Any]:
        """The servers as plain data, for xdist's workers."""
        return {name: asdict(server) for name, server in self.servers.items()}

    @classmethod
    def attach(cls, description: Mapping[str, Any]) -> "Fleet":
        """The controller's fleet, seen from a worker."""
        return cls({name: Server(**{**data, "extensions": tuple(data["extensions"])})
                    for name, data in description.items()})  # fmt: skip


Start = Callable[[str, str], tuple[Server, Callable[[], None]]]


def candidates() -> tuple[dict[str, Start], dict[str, str]]:
    """The servers that can be started here, in the order of the reports, and why the others can't."""
    startable: dict[str, Start] = {}
    absent: dict[str, str] = {}
    debian = {major: path for major, path in debian_bindirs().items() if major in SUPPORTED}
    startable |= {f"debian{major}": partial(start_local, bindir=path) for major, path in debian.items()}
    if not debian:
        absent["debian15"] = "no server below /usr/lib/postgresql (apt-get install postgresql)"
    for major in sorted(EMBEDDED_DIRS):
        try:
            startable[f"embedded{major}"] = partial(start_local, bindir=embedded_bindir(major))
        except ClusterError as error:
            absent[f"embedded{major}"] = error.message
    docker = f"docker{DOCKER_IMAGE.partition(':')[2]}"
    if problem := docker_problem():
        absent[docker] = problem
    else:
        startable[docker] = start_container
    if url := os.environ.get("TEST_DATABASE_URL"):
        startable["given"] = partial(start_given, url=url)
    else:
        absent["given"] = "TEST_DATABASE_URL is not set"
    return startable, absent


def local_cluster(bindir: Path, datadir: Path) -> Cluster:
    """A throwaway cluster with its own socket; pg_cron is preloaded where its library is installed."""
    cron = CRON_SETTINGS if (bindir.parent / "lib" / "pg_cron.so").exists() else {}
    return Cluster(bindir, datadir, options=SETTINGS | cron)


def start_local(name: str, rundir: str, *, bindir: Path) -> tuple[Server, Callable[[], None]]:
    """A server of this machine's binaries, below `rundir`."""
    cluster = local_cluster(bindir, Path(rundir, name, "data"))
    try:
        cluster.start()
        server = Server(name, cluster.url(), rundir, bindir=str(bindir), datadir=str(cluster.datadir))
        return inspect(server), cluster.destroy
    except BaseException:
        cluster.destroy()
        raise


def start_container(name: str, rundir: str) -> tuple[Server, Callable[[], None]]:
    """The official image in a container of its own."""
    from testcontainers.community.postgres import PostgresContainer

    options = " ".join(f"-c {key}={value}" for key, value in SETTINGS.items())
    container = PostgresContainer(DOCKER_IMAGE, username="postgres", dbname="postgres", driver=None)
    container.with_command(f"postgres {options}").start()
    try:
        return inspect(Server(name, container.get_connection_url(), rundir)), container.stop
    except BaseException:
        container.stop()
        raise


def start_given(name: str, rundir: str, *, url: str) -> tuple[Server, Callable[[], None]]:
    """The server of TEST_DATABASE_URL, as it is: only databases and roles of ours come and go there."""
    server = inspect(Server(name, url, rundir))
    with server.admin() as conn:
        row = conn.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").fetchone()
        if not row or not row[0]:
            raise RuntimeError("TEST_DATABASE_URL must name a superuser: tests create roles and databases")
        roles = {row[0] for row in conn.execute("SELECT rolname FROM pg_roles")}
    return server, partial(clean_given, server, roles)


def clean_given(server: Server, roles_before: set[str]) -> None:
    """Drop this run's databases, then the roles that its migrations and tests made and nothing else uses."""
    with server.admin() as conn:
        for (name,) in conn.execute("SELECT datname FROM pg_database").fetchall():
            if name.startswith(server.prefix):
                Database(server, name).drop()
        for (name,) in conn.execute("SELECT rolname FROM pg_roles").fetchall():
            if name not in roles_before and name.startswith(("attribution_", server.prefix)):
                with contextlib.suppress(psycopg.errors.DependentObjectsStillExist):
                    conn.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(name)))


def docker_problem() -> str:
    """Why no container can be started; empty if an engine answers."""
    try:
        from testcontainers.core.docker_client import DockerClient
    except ImportError as error:
        return f"the Python package {error.name} is not installed"
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", ResourceWarning
        )  # the package leaves its socket open when none answers
        try:
            DockerClient(timeout=5).client.ping()
        except Exception:  # it raises several unrelated classes here
            return "no Docker engine answers"
        finally:
            gc.collect()
    return ""


def inspect(server: Server) -> Server:
    """The server with its version and the extensions that the tests make use of."""
    with server.admin() as conn:
        version = conn.info.server_version
        query = "SELECT name FROM pg_available_extensions WHERE name = ANY(%s)"
        available = {row[0] for row in conn.execute(query, [list(EXTENSIONS)])}
        preloaded = conn.execute("SHOW shared_preload_libraries").fetchone()
    if preloaded and "pg_cron" not in preloaded[0]:
        available.discard("pg_cron")  # installed, but it works only when preloaded
    return replace(
        server,
        version=f"{version // 10000}.{version % 10000}",
        extensions=tuple(name for name in EXTENSIONS if name in available),
    )


def pgtap_script() -> Path | None:
    """The newest pgTAP that a Debian package installed: plain SQL, good for every server."""
    scripts = [
        path
        for path in Path("/usr/share/postgresql").glob("*/extension/pgtap--*.sql")
        if re.fullmatch(r"pgtap--\d+\.\d+\.\d+\.sql", path.name)
    ]
    return max(scripts, key=lambda path: int(path.parts[-3]), default=None)


def load_pgtap(database: Database) -> None:
    """Install pgTAP in a database: the extension where there is one, else its SQL. Raises TemplateError."""
    script = pgtap_script()
    with database.connect() as conn:
        if "pgtap" in database.server.extensions:
            conn.execute("CREATE EXTENSION pgtap")
        elif script:
            lines = script.read_text().splitlines()
            conn.execute("\n".join(line for line in lines if not line.startswith("\\")).encode())
        else:
            raise TemplateError("pgTAP is nowhere on this machine (apt-get install postgresql-15-pgtap)")


def find_psql(server: Server) -> Path:
    """A psql: the server's own, the newest embedded one, or whatever PATH has. Raises FileNotFoundError."""
    with contextlib.suppress(ClusterError):
        bindir = Path(server.bindir) if server.bindir else embedded_bindir()
        if (bindir / "psql").exists():
            return bindir / "psql"
    if found := shutil.which("psql"):
        return Path(found)
    raise FileNotFoundError("no psql: install postgresql-client or the extra 'embedded'")


def url_with(url: str, **changes: str) -> str:
    """A libpq URL with some parameters replaced; takes a URL or a `key=value` string."""
    params = {key: str(value) for key, value in (conninfo_to_dict(url) | changes).items() if value}
    user, password, dbname = (quote(params.pop(key, ""), safe="") for key in ("user", "password", "dbname"))
    login = f"{user}:{password}@" if password else f"{user}@" if user else ""
    return f"postgresql://{login}/{dbname}?{urlencode(params, quote_via=quote)}"
