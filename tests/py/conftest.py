"""Fixtures for every server of the run; `servers.py` starts them, `summary.py` reports them.

Mark a test `servers("one")` to run it on the first server only, `servers("debian15")` to name servers, or
`servers("pg_cron")`, `servers("plpgsql_check")`, `servers("local")` for those that have the thing; several
words must all hold. `--server=NAME` (or TEST_SERVERS) chooses servers for a quick run.
"""

import contextlib
import os
import re
import secrets
import signal
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import psycopg
import pytest
from psycopg import sql
from servers import CRON_DATABASE, EXTENSIONS, Database, Fleet, Server, candidates, start_local
from summary import Summary

FLEET = pytest.StashKey[Fleet]()
WORD = re.compile(rf"one|local|given|(debian|embedded|docker)\d+|{'|'.join(EXTENSIONS)}")
# Settings of whoever runs the tests that would lead ctl and psql to a server of theirs.
FOREIGN = ("DATABASE_URL", "PGHOST", "PGHOSTADDR", "PGPORT", "PGDATABASE", "PGUSER", "PGSERVICE", "PGOPTIONS")


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("servers")
    group.addoption("--server", action="append", default=[], help="run on this server only (may be repeated)")


def pytest_configure(config: pytest.Config) -> None:
    for name in FOREIGN:
        os.environ.pop(name, None)
    config.addinivalue_line("markers", "servers(*words): 'one', server names, or what a server must have")
    worker = getattr(config, "workerinput", None)
    config.stash[FLEET] = fleet = Fleet.attach(worker["servers"]) if worker else Fleet()
    if not worker:
        config.add_cleanup(fleet.close)  # whatever else fails
        config.pluginmanager.register(Summary(config, fleet))


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Start the servers, in the controller only and before xdist starts its workers."""
    config, fleet = session.config, session.config.stash[FLEET]
    if hasattr(config, "workerinput"):
        return
    chosen = config.option.server or os.environ.get("TEST_SERVERS", "").replace(",", " ").split()
    if config.option.collectonly:
        fleet.servers = {name: Server(name, "", "") for name in chosen or candidates()[0]}
        return
    signal.signal(signal.SIGTERM, interrupt)  # as Ctrl-C does: the servers stop
    try:
        fleet.start(chosen)
    except ValueError as error:
        raise pytest.UsageError(str(error)) from None


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """xdist: tell a worker which servers there are."""
    node.workerinput["servers"] = node.config.stash[FLEET].describe()


def interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run what asks for a server once per server, or on those that its marker selects."""
    if "server" not in metafunc.fixturenames:
        return
    fleet = metafunc.config.stash[FLEET]
    wanted = {str(word) for mark in metafunc.definition.iter_markers("servers") for word in mark.args}
    if unknown := {word for word in wanted if not WORD.fullmatch(word)}:
        raise pytest.UsageError(f"{metafunc.definition.nodeid}: the marker servers knows no {unknown}")
    names: list[Any] = [name for name, server in fleet.servers.items() if wanted - {"one"} <= words(server)]
    if "one" in wanted:
        names = names[:1]
    if not names:
        reason = f"no server of this run has: {', '.join(sorted(wanted)) or 'anything'}"
        names = [pytest.param("none", marks=pytest.mark.skip(reason=reason))]
    metafunc.parametrize("server", names, indirect=True, scope="session")


def words(server: Server) -> set[str]:
    """What the marker may say to get this server."""
    return {server.name, *server.extensions, *(["local"] if server.datadir else [])}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Write on each test where it runs, for the summary."""
    for item in items:
        callspec = getattr(item, "callspec", None)
        if callspec and "server" in callspec.params:
            item.user_properties.append(("server", callspec.params["server"]))
        if any("one" in mark.args for mark in item.iter_markers("servers")):
            item.user_properties.append(("narrowed", "one"))


@pytest.fixture(scope="session")
def server(request: pytest.FixtureRequest) -> Server:
    """Each server of the run in turn."""
    return request.config.stash[FLEET].servers[request.param]


@pytest.fixture
def db(server: Server) -> Iterator[Database]:
    """A fresh database with the newest schema: a clone of the server's migrated template."""
    with server.database("migrated") as database:
        yield database


@pytest.fixture
def blank(server: Server) -> Iterator[Database]:
    """A fresh database with nothing in it."""
    with server.database("blank") as database:
        yield database


@pytest.fixture
def pgtap_db(server: Server) -> Iterator[Database]:
    """Like `db`, with pgTAP in its schema public."""
    if not server.has_pgtap:
        pytest.skip("pgTAP is not on this machine")
    with server.database("pgtap") as database:
        yield database


@pytest.fixture
def cron_db(server: Server) -> Iterator[Database]:
    """Like `db`, in the one database where pg_cron works: one test at a time.

    Mark its tests `servers("pg_cron")`.
    """
    with server.locked("cron"), server.database("migrated", CRON_DATABASE) as database:
        yield database


@pytest.fixture
def own_server(server: Server) -> Iterator[Server]:
    """A server of this test alone, for tests that kill it: `.create("migrated")`, `.cluster.stop()`.

    Mark its tests `servers("local")`.
    """
    assert server.bindir, "mark this test servers('local')"
    with tempfile.TemporaryDirectory(prefix="pga-own-", ignore_cleanup_errors=True) as rundir:
        Path(rundir).chmod(0o755)
        private, destroy = start_local(f"own-{server.name}", rundir, bindir=Path(server.bindir))
        try:
            yield private
        finally:
            destroy()


@dataclass(frozen=True)
class Tenant:
    """A tenant as create_tenant() made it."""

    id: str
    api_key: str
    name: str


@pytest.fixture
def tenant(db: Database) -> Callable[..., Tenant]:
    """Make a tenant: `tenant()`, `tenant("Shop", p_reporting_currency="EUR", p_settings=Jsonb({…}))`."""

    def make(name: str = "", **arguments: Any) -> Tenant:
        name = name or f"Shop {secrets.token_hex(3)}"
        given = {"p_name": name, "p_notification_email": "owner@example.org"} | arguments
        call = sql.SQL("SELECT tenant_id::text, api_key FROM attribution.create_tenant({})").format(
            sql.SQL(", ").join(
                sql.SQL("{} => {}").format(sql.Identifier(k), sql.Placeholder(k)) for k in given
            )
        )
        with db.connect() as conn:
            row = conn.execute(call, given).fetchone()
        assert row is not None
        return Tenant(row[0], row[1], name)

    return make


@pytest.fixture
def login(db: Database) -> Iterator[Callable[..., psycopg.Connection[Any]]]:
    """Connect as a new login: `login("attribution_app", tenant_id)`.

    The connection is in autocommit mode and has the tenant (none: no tenant) in context for as long as it
    lasts. Further arguments go to psycopg.connect.
    """
    with contextlib.ExitStack() as stack:

        def make(role: str, tenant_id: str = "", **kwargs: Any) -> psycopg.Connection[Any]:
            name, password = f"{db.server.prefix}_{secrets.token_hex(4)}", secrets.token_hex(16)
            with db.server.admin() as conn:
                conn.execute(
                    sql.SQL("CREATE ROLE {} LOGIN PASSWORD {} IN ROLE {}").format(
                        sql.Identifier(name), sql.Literal(password), sql.Identifier(role)
                    )
                )
            stack.callback(drop_login, db, name)
            context = {"options": f"-c app.current_tenant_id={tenant_id}"} if tenant_id else {}
            url = db.server.url(db.name, user=name, password=password, **context)
            return stack.enter_context(psycopg.connect(url, **({"autocommit": True} | kwargs)))

        yield make


def drop_login(db: Database, name: str) -> None:
    """Drop a login with whatever a test let it own or granted to it in its database."""
    with db.connect() as conn:
        conn.execute(sql.SQL("DROP OWNED BY {0}; DROP ROLE {0}").format(sql.Identifier(name)))


@pytest.fixture
def app(
    login: Callable[..., psycopg.Connection[Any]], tenant: Callable[..., Tenant]
) -> psycopg.Connection[Any]:
    """An app's autocommit connection: a login in attribution_app, with a new tenant in context.

    The tenant's id: `app.execute("SHOW app.current_tenant_id")`.
    """
    return login("attribution_app", tenant().id)
