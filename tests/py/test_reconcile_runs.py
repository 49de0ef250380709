"""Runs of ctl reconcile: seen while they run, interrupted, at once, and beside postings."""

from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
from attacks import World
from engine import at, in_background, one, purchase, send, use, wait_until
from servers import Database
from statement_files import GOOD, runs, sold, statement, volumes, write

from controlplane.reconcile import reconcile


@pytest.fixture
def shop(db: Database) -> str:
    """A tenant with one sale, sale-1 of 10.00 USD on 2 March 2026."""
    with db.connect(autocommit=True) as conn:
        return sold(conn)


def test_a_run_is_visible_and_not_taken_for_abandoned(db: Database, shop: str, tmp_path: Path) -> None:
    seen: list[tuple[Any, ...]] = []
    with db.connect(autocommit=True) as conn, db.connect(autocommit=True) as other:

        def look() -> None:
            new = one(other, "SELECT attribution.open_reconciliation(%s, 'bank', 'processor')", shop)
            seen.extend(runs(db))
            seen.append(volumes(db))
            other.execute("SELECT attribution.start_reconciliation(%s, %s)", [shop, new])

        with statement(write(tmp_path, GOOD)) as given:
            outcome = reconcile(conn, UUID(shop), given, source="bank", moved=look)
    assert seen == [("running", None), ("idle", None), (0, 0)]
    assert outcome.run["state"] == "completed"


@pytest.mark.servers("one")
def test_an_unlocked_run_is_taken_for_abandoned(db: Database, shop: str, tmp_path: Path) -> None:
    """The mutation check: without the locks, a run that is opened meanwhile ends this one."""
    with db.connect(autocommit=True) as conn, db.connect(autocommit=True) as other:
        world = World(db, conn, lambda: conn, "", "")
        world.rewrite("lock_reconciliation", "FOR UPDATE", "")
        world.rewrite("open_reconciliation", "FOR UPDATE SKIP LOCKED", "")
        opening = "SELECT attribution.open_reconciliation(%s, 'bank', 'processor')"
        with (
            statement(write(tmp_path, GOOD)) as given,
            pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState, match="is error, not running"),
        ):
            reconcile(
                conn, UUID(shop), given, source="bank", moved=lambda: other.execute(opening, [shop]) and None
            )
    assert volumes(db) == (0, 0)


@pytest.mark.parametrize("end", ["backend", "interrupt"])
def test_an_interrupted_run_stores_nothing(db: Database, shop: str, tmp_path: Path, end: str) -> None:
    path = write(tmp_path, GOOD)
    with db.connect(autocommit=True) as conn, db.connect(autocommit=True) as killer:

        def stop() -> None:
            if end == "interrupt":
                raise KeyboardInterrupt
            killer.execute("SELECT pg_terminate_backend(%s)", [conn.info.backend_pid])

        expected = KeyboardInterrupt if end == "interrupt" else psycopg.OperationalError
        with statement(path) as given, pytest.raises(expected):
            reconcile(conn, UUID(shop), given, source="bank", moved=stop)
    assert volumes(db) == (0, 0)
    left = ("error", "KeyboardInterrupt") if end == "interrupt" else ("running", None)
    assert runs(db) == [left]
    with db.connect(autocommit=True) as conn, statement(path) as given:
        reconcile(conn, UUID(shop), given, source="bank")
    if end == "backend":
        left = ("error", "abandoned: its client went away before it was done")
    assert runs(db) == [left, ("completed", None)]
    assert volumes(db) == (1, 1)


def test_the_same_statement_twice_at_once(db: Database, shop: str, tmp_path: Path) -> None:
    """The second waits for nobody, and both come out whole."""
    path = write(tmp_path, GOOD)

    def again() -> str:
        with db.connect(autocommit=True) as conn, statement(path) as given:
            return str(reconcile(conn, UUID(shop), given, source="bank").run["state"])

    with db.connect(autocommit=True) as conn, statement(path) as given:
        states: list[str] = []

        def meanwhile() -> None:
            with in_background(again) as work:
                states.append(work.result(timeout=30))

        states.append(str(reconcile(conn, UUID(shop), given, source="bank", moved=meanwhile).run["state"]))
    assert states == ["completed", "completed"]
    assert volumes(db) == (2, 2)


def test_a_posting_does_not_wait_for_a_reconciliation(db: Database, shop: str, tmp_path: Path) -> None:
    with db.connect(autocommit=True) as conn, db.connect(autocommit=True) as app:
        use(app, shop)
        app.execute("SET lock_timeout = '1s'")
        with statement(write(tmp_path, GOOD)) as given:
            reconcile(
                conn,
                UUID(shop),
                given,
                source="bank",
                moved=lambda: send(app, purchase(2, at(days=9), 500)) and None,
            )
        query = "SELECT count(*) FROM attribution.revenue_ledger WHERE transaction_id = 'sale-2'"
        assert wait_until(lambda: one(app, query)) == 1
