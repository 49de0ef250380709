"""G4: the queue, deferred tenants, poison conversions, retries, rules that come later, schedules."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import pairwise
from typing import Any

import engine
import psycopg
import pytest
from engine import Connection, at, purchase, touch
from psycopg.types.json import Jsonb
from servers import Database

STATE = """
    SELECT processing_status, retry_count, last_error FROM attribution.event_processing
    WHERE tenant_id = %s AND event_id = %s
    """
NO_BOOK = (
    "RA003: no book rule applies to the conversion\n"
    "Its revenue cannot be posted, since no active rule with is_book lets it pass.\n"
    "Activate a book rule that applies to every conversion; the conversion is retried."
)


@pytest.fixture
def admin(db: Database) -> Iterator[Connection]:
    with db.connect(autocommit=True) as conn:
        yield conn


def state(conn: Connection, tenant: str, number: int) -> tuple[Any, ...]:
    """Status, retries and error of a conversion."""
    ((status, retries, error),) = engine.rows(conn, STATE, tenant, engine.uid(number))
    return status, retries, error


def poison(conn: Connection, number: int) -> None:
    """From now on, allocations of one conversion raise an error of ours."""
    conn.execute(
        f"""
        CREATE FUNCTION public.poison() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF NEW.event_id = '{engine.uid(number)}' THEN
                RAISE EXCEPTION 'poisoned' USING ERRCODE = 'P0042', DETAIL = 'its detail', HINT = 'its hint';
            END IF;
            RETURN NEW;
        END $$;
        CREATE TRIGGER poison BEFORE INSERT ON attribution.attribution_allocations
        FOR EACH ROW EXECUTE FUNCTION public.poison();
        """  # type: ignore[call-overload]
    )


def cure(conn: Connection) -> None:
    conn.execute("DROP TRIGGER poison ON attribution.attribution_allocations; DROP FUNCTION public.poison()")


def make_due(conn: Connection, tenant: str) -> timedelta | None:
    """Let the time until the next retry pass; returns how long that would have been."""
    query = """
        WITH waiting AS (
            SELECT p.event_id, p.next_retry_at FROM attribution.event_processing AS p
            WHERE p.tenant_id = %(tenant)s AND p.next_retry_at IS NOT NULL
        )
        UPDATE attribution.event_processing AS p SET next_retry_at = clock_timestamp() - interval '1 second'
        FROM waiting AS w WHERE p.tenant_id = %(tenant)s AND p.event_id = w.event_id
        RETURNING w.next_retry_at - clock_timestamp()
        """
    row = conn.execute(query, {"tenant": tenant}).fetchone()
    return row[0] if row else None


@pytest.mark.parametrize("mode", ["sync", "deferred"])
def test_a_poison_conversion_stops_no_other(admin: Connection, mode: str) -> None:
    shop = engine.new_tenant(admin, mode)
    engine.use(admin, shop)
    poison(admin, 507)
    sales = [purchase(n, at(), n, session=n) for n in range(500, 520)]
    assert engine.send(admin, *sales) == 20  # the app's INSERT never fails for it
    make_due(
        admin, shop
    )  # a sync statement with poison in it fails as a whole, and is retried piece by piece
    engine.drain(admin)
    error = "P0042: poisoned\nits detail\nits hint"
    for n in range(500, 520):
        status, _, last_error = state(admin, shop, n)
        assert (status, last_error) == (("failed", error) if n == 507 else ("processed", None)), n
    assert (
        engine.one(admin, "SELECT sum(amount_cents) FROM attribution.revenue_ledger")
        == sum(range(500, 520)) - 507
    )
    cure(admin)
    assert engine.breaches(admin, shop) == []  # what waits for a retry is work, no breach
    engine.drain(admin)
    assert state(admin, shop, 507)[0] == "failed"  # not before its time
    make_due(admin, shop)
    engine.drain(admin)
    assert state(admin, shop, 507) == ("processed", 0, None)
    assert engine.one(admin, "SELECT sum(amount_cents) FROM attribution.revenue_ledger") == sum(
        range(500, 520)
    )


def test_retries_back_off_exponentially_and_end_dead(admin: Connection) -> None:
    shop = engine.new_tenant(admin)
    engine.use(admin, shop)
    poison(admin, 7)
    engine.send(admin, purchase(7, at(), 500))
    engine.drain(admin)
    waits = []
    for retry in range(1, 8):
        assert state(admin, shop, 7)[:2] == ("failed", retry)
        wait = make_due(admin, shop)
        assert wait
        waits.append(wait)
        engine.drain(admin)
    # Each is twice the one before, whatever the clock did between; the first is 10 seconds at most.
    assert waits[0] <= timedelta(seconds=10)
    for earlier, later in pairwise(waits):
        assert timedelta(seconds=0) < later - 1.5 * earlier
    assert waits[-1] <= timedelta(hours=1)
    status, retries, error = state(admin, shop, 7)
    assert (status, retries) == ("dead", 8) and error.startswith("P0042: poisoned")
    assert make_due(admin, shop) is None  # nothing is planned any more
    engine.drain(admin)
    assert state(admin, shop, 7) == (status, retries, error)
    assert [
        (check, detail) for check, _, detail in engine.breaches(admin, shop) if check != "trigger_unknown"
    ] == [("processing_dead", error)]
    cure(admin)
    assert engine.rows(admin, "SELECT * FROM attribution.rebuild(%s)", shop) == [(1, 1)]
    assert state(admin, shop, 7) == ("processed", 0, None)
    assert engine.breaches(admin, shop) == []


def test_the_number_of_retries_is_a_setting(admin: Connection) -> None:
    shop = engine.new_tenant(admin)
    admin.execute(
        "UPDATE attribution.tenants SET settings = %s WHERE id = %s", [Jsonb({"max_retries": 1}), shop]
    )
    engine.use(admin, shop)
    poison(admin, 7)
    engine.send(admin, purchase(7, at(), 500))
    assert state(admin, shop, 7)[:2] == ("dead", 1)


def test_a_rule_that_was_made_invalid_fails_its_conversions_only(admin: Connection) -> None:
    """Somebody writes behind the guard what validate_rule() would refuse."""
    shop, sound = engine.new_tenant(admin), engine.new_tenant(admin)
    table = "attribution.attribution_rules"
    admin.execute(f"ALTER TABLE {table} DISABLE TRIGGER attribution_rules_immutable")
    admin.execute(f"UPDATE {table} SET config = %s WHERE tenant_id = %s", [Jsonb({"lookback": "soon"}), shop])
    admin.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER attribution_rules_immutable")
    for tenant in (shop, sound):
        engine.use(admin, tenant)
        engine.send(admin, purchase(7, at(), 500))
    engine.drain(admin)
    status, _, error = state(admin, shop, 7)
    assert status == "failed" and error.startswith("22007: invalid input syntax for type interval")
    assert state(admin, sound, 7) == ("processed", 0, None)


def test_without_a_book_rule_a_conversion_waits_for_one(admin: Connection) -> None:
    shop = engine.new_tenant(admin)
    engine.use(admin, shop)
    admin.execute("UPDATE attribution.attribution_rules SET status = 'retired' WHERE is_book")
    engine.send(admin, touch(1, at()), purchase(7, at(hours=1), 500))
    assert state(admin, shop, 7) == ("failed", 1, NO_BOOK)
    assert engine.volumes(admin, shop)["revenue_ledger"] == 0
    assert engine.volumes(admin, shop)["attribution_allocations"] == 2  # the shadow rules have theirs
    make_due(admin, shop)
    engine.drain(admin)
    assert state(admin, shop, 7) == ("failed", 2, NO_BOOK)
    engine.add_rule(admin, shop, name="book", model_type="linear", is_book=True)
    make_due(admin, shop)
    engine.drain(admin)
    assert state(admin, shop, 7) == ("processed", 0, None)
    assert engine.balances(admin, shop) == [("sale-7", "direct", None, "USD", 500)]
    assert engine.breaches(admin, shop) == []


def test_a_new_version_of_the_book_restates_on_rebuild(admin: Connection) -> None:
    shop = engine.new_tenant(admin)
    engine.use(admin, shop)
    engine.send(admin, touch(1, at()), touch(2, at(hours=1), channel="email"), purchase(7, at(hours=2), 1000))
    assert {row[1]: row[4] for row in engine.balances(admin, shop)} == {"direct": 500, "email": 500}
    admin.execute("UPDATE attribution.attribution_rules SET status = 'retired' WHERE is_book")
    engine.add_rule(admin, shop, name="position_based_30d", version=2, model_type="last_touch", is_book=True)
    assert engine.rows(admin, "SELECT * FROM attribution.rebuild(%s)", shop) == [(1, 1)]
    assert {row[1]: row[4] for row in engine.balances(admin, shop)} == {"email": 1000}
    query = "SELECT entry_type, amount_cents FROM attribution.revenue_ledger ORDER BY posted_at, amount_cents"
    assert engine.rows(admin, query) == [
        ("attribution", 500), ("attribution", 500),
        ("reversal", -500), ("reversal", -500), ("attribution", 1000),
    ]  # fmt: skip
    query = "SELECT kind, entry_count FROM attribution.ledger_batches ORDER BY posted_at"
    assert engine.rows(admin, query) == [
        ("attribution", 2), ("restatement", 3)
    ]  # fmt: skip
    assert engine.breaches(admin, shop) == []


def test_a_late_touch_restates_only_what_it_touches(admin: Connection) -> None:
    shop = engine.new_tenant(admin)
    engine.use(admin, shop)
    for session in (1, 2):
        engine.send(admin, touch(10 + session, at(), session))
        for n, hours in ((20, 1), (30, 3)):
            engine.send(admin, purchase(n + session, at(hours=hours), 900, session))
    engine.drain(admin)
    query = "SELECT event_id::text, count(*) FROM attribution.revenue_ledger GROUP BY 1"
    before = dict(engine.rows(admin, query))
    engine.send(admin, touch(50, at(hours=2), 1, channel="email"))  # after session 1's first purchase
    engine.drain(admin)
    after = dict(engine.rows(admin, query))
    assert {event for event in after if after[event] != before[event]} == {engine.uid(31)}
    assert engine.credited(admin, shop, engine.uid(31)) == {engine.uid(11), engine.uid(50)}
    assert engine.breaches(admin, shop) == []


def test_a_deferred_tenant_waits_for_its_run(admin: Connection) -> None:
    shop = engine.new_tenant(admin, "deferred")
    engine.use(admin, shop)
    engine.send(admin, touch(1, at()), purchase(7, at(hours=1), 500))
    assert state(admin, shop, 7) == ("pending", 0, None)
    assert engine.volumes(admin, shop)["attribution_allocations"] == 0
    health = "SELECT queue_depth, pending, failed, dead FROM attribution.pipeline_health WHERE tenant_id = %s"
    assert engine.rows(admin, health, shop) == [(1, 1, 0, 0)]
    engine.drain(admin)
    assert state(admin, shop, 7) == ("processed", 0, None)
    assert engine.rows(admin, health, shop) == [(0, 0, 0, 0)]
    assert engine.balances(admin, shop) == [("sale-7", "direct", None, "USD", 500)]


def test_run_pending_in_a_transaction_block(admin: Connection, db: Database) -> None:
    """It then commits nothing by itself: rolled back, it has not happened; committed, it has."""
    shop = engine.new_tenant(admin, "deferred")
    engine.use(admin, shop)
    engine.send(admin, purchase(7, at(), 500))
    with db.connect() as conn:
        conn.execute("SELECT 1")
        engine.drain(conn)
        assert state(conn, shop, 7)[0] == "processed"
        conn.rollback()
        assert (state(conn, shop, 7)[0], engine.queued(conn, shop)) == ("pending", 1)
        engine.drain(conn)
        conn.commit()
    assert (state(admin, shop, 7)[0], engine.queued(admin, shop)) == ("processed", 0)


def test_run_pending_commits_each_batch(admin: Connection, db: Database) -> None:
    """A later batch that waits for a lock doesn't hold back what an earlier one has done."""
    first, second = sorted(engine.new_tenant(admin, "deferred") for _ in range(2))  # served in this order
    for shop in (first, second):
        engine.use(admin, shop)
        engine.send(admin, purchase(7, at(), 500))
    with db.connect() as holder, db.connect(autocommit=True) as runner:
        holder.execute("SELECT FROM attribution.event_processing WHERE tenant_id = %s FOR UPDATE", [second])
        with engine.in_background(lambda: engine.drain(runner)):
            engine.wait_until_blocked(admin, runner.info.backend_pid)
            assert state(admin, first, 7)[0] == "processed"
            holder.rollback()
    assert state(admin, second, 7)[0] == "processed"


@pytest.mark.parametrize("level", ["REPEATABLE READ", "SERIALIZABLE"])
def test_an_old_snapshot_is_refused(admin: Connection, db: Database, level: str) -> None:
    shop = engine.new_tenant(admin, "deferred")
    engine.use(admin, shop)
    engine.send(admin, purchase(7, at(), 500))
    for work in ("CALL attribution.run_pending()", f"SELECT * FROM attribution.rebuild('{shop}')"):
        with db.connect() as conn:
            conn.execute(f"SET TRANSACTION ISOLATION LEVEL {level}")  # type: ignore[call-overload]
            with pytest.raises(psycopg.Error) as caught:
                conn.execute(work)  # type: ignore[call-overload]
        diag = caught.value.diag
        assert (diag.sqlstate, diag.message_primary) == (
            "25001",
            f"processing does not run under {level.lower()}",
        )
        assert (
            diag.message_hint == "SET TRANSACTION ISOLATION LEVEL READ COMMITTED, or leave the default alone."
        )
    assert engine.queued(admin, shop) == 1


def test_an_admin_may_run_and_an_app_may_not(admin: Connection, login: Callable[..., Connection]) -> None:
    shop = engine.new_tenant(admin, "deferred")
    engine.use(admin, shop)
    engine.send(admin, purchase(7, at(), 500))
    for role in ("attribution_app", "attribution_reader"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            engine.drain(login(role, shop))
    engine.drain(login("attribution_admin"))
    assert state(admin, shop, 7)[0] == "processed"


@pytest.mark.servers("pg_cron")
def test_schedule_jobs_with_pg_cron(cron_db: Database) -> None:
    with cron_db.connect(autocommit=True) as conn:
        conn.execute("CREATE EXTENSION pg_cron")
        names = engine.one(conn, "SELECT attribution.schedule_jobs()")
        assert names == engine.one(conn, "SELECT attribution.schedule_jobs()")  # replaced, not doubled
        jobs = engine.rows(conn, "SELECT jobname, schedule, command, active FROM cron.job")
        assert jobs == [(names[0], "* * * * *", "CALL attribution.run_pending(50)", True)]
        shop = engine.new_tenant(conn, "deferred")
        engine.use(conn, shop)
        engine.send(conn, purchase(7, at(), 500))
        conn.execute("SELECT cron.unschedule(jobid) FROM cron.job")
        conn.execute(jobs[0][2])  # what pg_cron would have sent within the minute
        assert state(conn, shop, 7)[0] == "processed"


def test_schedule_jobs_without_pg_cron(admin: Connection) -> None:
    """Servers without it, and databases other than the one that it lives in, say what to do instead."""
    with pytest.raises(psycopg.errors.FeatureNotSupported) as caught:
        admin.execute("SELECT attribution.schedule_jobs()")
    diag = caught.value.diag
    assert diag.message_primary == "this database has no pg_cron"
    assert diag.message_hint
    assert "cron.schedule_in_database('attribution_run_pending:" in diag.message_hint
    assert "ctl run --watch" in diag.message_hint
