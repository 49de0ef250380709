"""ctl migrate and waivers: an assertion is asked again, under a lock, and the waiver is recorded."""

import threading
import time
from pathlib import Path

import psycopg
import pytest
import tree
from servers import Database

from controlplane import freeze, migrations
from controlplane.errors import CtlError

pytestmark = pytest.mark.servers("one")
WAIVER = """
WAIVERS = [
    {
        "rule": "DL002",
        "object": "attribution.sale.template",
        "fingerprint": "0123456789abcdef",
        "reason": "nobody reads it",
        "approver": "an owner",
        "expires": "2999-12-31",
        "assert_sql": "SELECT NOT EXISTS (SELECT FROM attribution.sale WHERE template IS NULL)",
    },
]
"""
RECORDS = "SELECT revision, rule, object, reason, approver, expires_on::text, assert_sql FROM attribution."


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, blank: Database) -> Path:
    """A small checkout whose database is at 0001, with the table of waivers; 0002 has one."""
    root = tree.build(tmp_path / "a tree", monkeypatch)
    tables = "alembic/snapshots/0001/tables"
    text = (tree.ROOT / tables / "95_migration_waivers.sql").read_text().partition("ALTER TABLE")[0]
    sale = root / tables / "10_sale.sql"
    sale.write_text(sale.read_text() + text)
    drop = root / tables / "zz_drop.sql"
    drop.write_text(drop.read_text() + "DROP TABLE attribution.migration_waivers;\n")
    migrations.upgrade(blank.url)
    tree.edit(root, "sql/functions/10_sale/twice.sql", "* 2", "+ p_value")
    freeze.freeze("Add")
    (file,) = (root / "alembic" / "versions").glob("0002_*.py")
    file.write_text(file.read_text().replace("\n\ndef upgrade", f"\n{WAIVER}\n\ndef upgrade", 1))
    return root


def test_a_waiver_is_recorded(root: Path, blank: Database) -> None:
    migrations.upgrade(blank.url)
    with blank.connect() as connection:
        assert connection.execute(f"{RECORDS}migration_waivers").fetchall() == [
            (
                "0002", "DL002", "attribution.sale.template", "nobody reads it", "an owner", "2999-12-31",
                "SELECT NOT EXISTS (SELECT FROM attribution.sale WHERE template IS NULL)",
            )
        ]  # fmt: skip


def test_an_assertion_that_does_not_hold_stops_the_migration(root: Path, blank: Database) -> None:
    with blank.connect(autocommit=True) as connection:
        connection.execute("INSERT INTO attribution.sale (id, template) VALUES (1, NULL)")
        with pytest.raises(CtlError, match=r"the assertion of the waiver of DL002 .* is not true") as failure:
            migrations.upgrade(blank.url)
        assert "0002_add.py" in failure.value.message
        assert migrations.status(blank.url)["current"] == "0001"
        assert connection.execute(f"{RECORDS}migration_waivers").fetchall() == []


def test_the_assertion_is_asked_under_the_lock(root: Path, blank: Database) -> None:
    """A row that is being written while it is asked is waited for, and counts."""
    refused: list[str] = []

    def migrate() -> None:
        try:
            migrations.upgrade(blank.url)
        except CtlError as error:
            refused.append(error.message)

    with blank.connect() as writer, blank.connect(autocommit=True) as watcher:
        writer.execute("INSERT INTO attribution.sale (id, template) VALUES (1, NULL)")
        thread = threading.Thread(target=migrate)
        thread.start()
        waiting = "SELECT FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND NOT granted"
        while thread.is_alive() and not watcher.execute(waiting).rowcount:
            time.sleep(0.01)
        writer.commit()
        thread.join()
    assert len(refused) == 1 and "is not true" in refused[0]


def test_a_waiver_needs_a_reason(blank: Database) -> None:
    """The table says so too, whatever wrote to it."""
    migrations.upgrade(blank.url)
    with blank.connect() as connection, pytest.raises(psycopg.errors.CheckViolation):
        connection.execute(
            "INSERT INTO attribution.migration_waivers"
            " (revision, rule, object, fingerprint, reason, approver, expires_on)"
            " VALUES ('0001', 'DL001', 'a', 'b', '', 'c', current_date)"
        )
