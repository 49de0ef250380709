"""Migrations: up, down and up again; many at once; failures that leave no trace; databases of another age."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
import tree
from servers import Database, Server

from controlplane import freeze, migrations, objects
from controlplane.errors import CannotRun, CtlError

ROOT = Path(__file__).parents[2]
one_server = pytest.mark.servers("one")


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return tree.build(tmp_path / "a tree", monkeypatch)


def fingerprint(url: str) -> objects.Fingerprint:
    with psycopg.connect(url) as connection:
        return objects.fingerprint(connection)


def ctl_migrate(url: str) -> "subprocess.CompletedProcess[str]":
    environment = os.environ | {"DATABASE_URL": url, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "controlplane", "migrate"]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_up_down_and_up_again_leaves_the_same_catalog(blank: Database) -> None:
    states = [fingerprint(blank.url)]
    for revision in migrations.revisions():
        migrations.upgrade(blank.url, revision)
        states.append(fingerprint(blank.url))
    assert states[0] == {}
    assert len(states[-1]) > 100
    for below, revision in list(enumerate(["base", *migrations.revisions()[:-1]]))[::-1]:
        migrations.downgrade(blank.url, revision)
        assert fingerprint(blank.url) == states[below]
    for above, revision in enumerate(migrations.revisions(), 1):
        migrations.upgrade(blank.url, revision)
        assert fingerprint(blank.url) == states[above]


def test_base_leaves_no_schema(blank: Database) -> None:
    migrations.upgrade(blank.url)
    migrations.downgrade(blank.url, "base")
    with blank.connect() as connection:
        assert connection.execute("SELECT to_regnamespace('attribution')").fetchone() == (None,)


def test_twenty_migrations_at_once(blank: Database) -> None:
    with ThreadPoolExecutor(20) as pool:
        done = list(pool.map(ctl_migrate, [blank.url] * 20))
    assert [(run.returncode, run.stderr) for run in done] == [(0, "")] * 20
    assert sorted(run.stdout for run in done)[-1].startswith("schema attribution: nothing → ")
    assert sum("nothing →" in run.stdout for run in done) == 1


@pytest.mark.servers("local")
def test_migrations_of_five_databases_at_once_share_the_roles(own_server: Server) -> None:
    databases = [own_server.create("blank") for _ in range(5)]
    with ThreadPoolExecutor(10) as pool:
        done = list(pool.map(ctl_migrate, [database.url for database in databases * 2]))
    assert [(run.returncode, run.stderr) for run in done] == [(0, "")] * 10
    first, *others = (fingerprint(database.url) for database in databases)
    assert all(other == first for other in others)


@pytest.mark.servers("local")
def test_a_role_with_createrole_can_migrate(own_server: Server) -> None:
    with own_server.admin() as connection:
        connection.execute("CREATE ROLE migrator LOGIN CREATEROLE CREATEDB")
        connection.execute("CREATE DATABASE shop OWNER migrator")
    url = own_server.url("shop", user="migrator")
    migrations.upgrade(url)
    assert migrations.status(url)["state"] == "current"
    migrations.downgrade(url, "base")
    migrations.upgrade(url)


def test_the_offline_script_does_the_same(blank: Database, db: Database) -> None:
    with blank.connect() as connection:
        connection.execute(migrations.script().encode())
    assert migrations.status(blank.url)["state"] == "current"
    assert fingerprint(blank.url) == fingerprint(db.url)


def test_every_snapshot_is_used_and_every_line_has_its_snapshot() -> None:
    for revision in migrations.revisions():
        snapshots = ROOT / "alembic" / "snapshots" / revision
        (file,) = (ROOT / "alembic" / "versions").glob(f"{revision}_*.py")
        used = {path for _, owner, path in freeze.LINE.findall(file.read_text()) if owner == revision}
        assert used == {path.relative_to(snapshots).as_posix() for path in snapshots.rglob("*.sql")}


def test_the_repository_has_one_head_and_plain_names() -> None:
    known = migrations.revisions()
    assert known == [f"{number:04d}" for number in range(1, len(known) + 1)]


@one_server
def test_colons_and_percents_survive(root: Path, blank: Database) -> None:
    migrations.upgrade(blank.url)
    with blank.connect() as connection:
        connection.execute("INSERT INTO attribution.sale (id) VALUES (1)")
        row = connection.execute("SELECT template FROM attribution.sale").fetchone()
        assert row == ({"a": 1, "b": "100%", "c": ":name"},)
        with pytest.raises(psycopg.errors.RaiseException, match=r'^no UPDATE of sale: that\'s "final" :name'):
            connection.execute("UPDATE attribution.sale SET id = 2")


@one_server
def test_a_revision_that_fails_leaves_no_trace_and_names_the_line(root: Path, blank: Database) -> None:
    tree.edit(root, "alembic/snapshots/0001/functions/10_sale/guard.sql", "LANGUAGE plpgsql", "LANGUAGE pl1")
    with pytest.raises(CtlError) as failure:
        migrations.upgrade(blank.url)
    message = 'alembic/snapshots/0001/functions/10_sale/guard.sql: language "pl1" does not exist'
    assert (failure.value.message, failure.value.sqlstate) == (message, "42704")
    with blank.connect() as connection:
        assert connection.execute("SELECT to_regnamespace('attribution')").fetchone() == (None,)


@one_server
def test_a_syntax_error_has_its_line(root: Path, blank: Database) -> None:
    tree.edit(root, "alembic/snapshots/0001/views/sales.sql", "SELECT s.id FROM", "SELECT s.id FRÖM")
    with pytest.raises(CtlError, match=r"^alembic/snapshots/0001/views/sales.sql:2: syntax error"):
        migrations.upgrade(blank.url)


@one_server
def test_a_lock_is_not_waited_for_without_end(
    root: Path, blank: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrations, "LOCK_TIMEOUT", "100ms")
    migrations.upgrade(blank.url)
    with blank.connect() as connection:
        connection.execute("SELECT FROM attribution.sale")
        with pytest.raises(CtlError) as failure:
            migrations.downgrade(blank.url, "base")
        assert failure.value.sqlstate == "55P03"
        assert "another session holds the lock" in failure.value.hint
    assert migrations.status(blank.url)["state"] == "current"


@one_server
def test_a_database_newer_than_ctl(root: Path, blank: Database) -> None:
    migrations.upgrade(blank.url)
    with blank.connect() as connection:
        connection.execute("UPDATE attribution.alembic_version SET version_num = '0009'")
    assert migrations.status(blank.url)["state"] == "ahead"
    for action in (
        migrations.require_head,
        migrations.upgrade,
        lambda url: migrations.downgrade(url, "base"),
    ):
        with pytest.raises(CannotRun) as failure:
            action(blank.url)
        assert "at revision 0009, newer than this ctl" in failure.value.message
        assert failure.value.message.endswith("whose newest is 0001")
        assert failure.value.hint == "upgrade ctl: pip install --upgrade pg-attribution"


@one_server
def test_a_database_older_than_ctl(root: Path, blank: Database) -> None:
    with pytest.raises(CannotRun, match="not installed in this database") as failure:
        migrations.require_head(blank.url)
    assert failure.value.hint == "run: ctl migrate"
    migrations.upgrade(blank.url)
    tree.edit(root, "sql/functions/10_sale/twice.sql", "* 2", "+ p_value")
    freeze.freeze("Add")
    assert migrations.status(blank.url) == {
        "current": "0001", "head": "0002", "pending": ["0002"], "state": "behind",
    }  # fmt: skip
    with pytest.raises(CannotRun, match=r"at revision 0001, this ctl .* needs 0002") as failure:
        migrations.require_head(blank.url)
    assert failure.value.hint == "run: ctl migrate"


@one_server
@pytest.mark.parametrize("move", [migrations.upgrade, migrations.downgrade])
def test_an_unknown_revision(root: Path, blank: Database, move: object) -> None:
    migrations.upgrade(blank.url)
    with pytest.raises(CtlError, match="Can't locate revision identified by '0815'"):
        move(blank.url, "0815")  # type: ignore[operator]
    assert migrations.status(blank.url)["state"] == "current"
