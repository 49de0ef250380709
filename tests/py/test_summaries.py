"""The views of summaries say at every moment what they are defined to say, whatever is folded and what not.

Random histories of sales, late touches, refunds, divisions by hand, rules and time zones that change,
rebuilds and folds: after each step every view equals its definition over the facts (`summary_oracle`).
And while writers, folders and changes of the zone run at the same time, it does in every snapshot.
"""

import threading
import time
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import engine
import psycopg
import pytest
import summary_oracle
from engine import Connection, at, purchase, touch, uid
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg.types.json import Jsonb
from servers import Database

EXAMPLES = settings(
    max_examples=150,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
ZONES = ("UTC", "America/New_York", "Pacific/Kiritimati")
FIRST_TOUCH = {
    "is_book": True, "priority": 1, "model_type": "first_touch", "config": {"lookback": "5 hours"}
}  # fmt: skip
ANN, BOB = (
    {"event_type": "partner_touch", "channel": "partner", "partner_id": partner} for partner in ("ann", "bob")
)
SHARES = ({"email": 100}, {"partner": 60, "direct": 40})

# Days begin at other hours in each zone; most touches come before most sales.
early = st.sampled_from([0, 4, 5, 12, 23, 24, 30])
late = st.sampled_from([12, 23, 24, 28, 30, 100, 800])
sessions = st.sampled_from([1, 1, 1, 2])
touches = st.builds(
    lambda number, hour, session, source, campaign: touch(
        number, at(hours=hour), session, campaign_id=campaign, **source
    ),
    st.integers(1000, 1100), early, sessions,
    st.sampled_from([{"channel": "email"}, {"channel": "direct"}, ANN, ANN, BOB]),
    st.sampled_from([None, "spring"]),
)  # fmt: skip
# One transaction may have several conversions, on several days; sales of nothing have no line.
sales = st.builds(
    lambda number, hour, session, cents, currency, transaction: purchase(
        number, at(hours=hour), cents, session, currency=currency, transaction_id=f"sale-{transaction}"
    ),
    st.integers(2000, 2010), late, sessions, st.sampled_from([0, 1, 100, 1001]),
    st.sampled_from(["USD", "EUR"]), st.sampled_from([1, 2, 3]),
)  # fmt: skip
refunds = st.builds(
    lambda number, hour, cents, currency, transaction: purchase(
        number, at(hours=hour), cents, 9, event_type="refund", currency=currency,
        transaction_id=f"sale-{transaction}",
    ),
    st.integers(3000, 3020), late, st.sampled_from([1, 50, 100]), st.sampled_from(["USD", "EUR"]),
    st.sampled_from([1, 2, 3]),
)  # fmt: skip
arrivals = st.tuples(st.just("send"), st.lists(st.one_of(touches, sales, refunds), min_size=1, max_size=4))
deeds = st.one_of(
    st.tuples(st.just("fold"), st.none()),
    st.tuples(st.just("fold"), st.none()),
    st.tuples(st.just("batch"), st.none()),
    st.tuples(st.just("drain"), st.none()),
    st.tuples(st.just("rebuild"), st.none()),
    st.tuples(st.just("anew"), st.none()),
    st.tuples(st.just("zone"), st.sampled_from(ZONES)),
    st.tuples(st.just("rule"), st.sampled_from(["active", "retired"])),
    st.tuples(st.just("divide"), st.sampled_from(SHARES)),
    st.tuples(st.just("lift"), st.none()),
    st.tuples(st.just("rate"), st.sampled_from(["1.1", "2"])),
)
histories = st.tuples(
    st.sampled_from(["sync", "sync", "deferred"]),
    st.lists(st.one_of(arrivals, arrivals, deeds), min_size=3, max_size=14),
)


def take(conn: Connection, tenant: str, deed: str, given_: Any) -> None:
    """One step of a history."""
    match deed:
        case "send":
            engine.send(conn, *given_)
        case "fold":
            engine.one(conn, "SELECT attribution.fold_summaries(%s)", tenant)
        case "batch":
            engine.one(conn, "SELECT attribution.process_batch(%s)", tenant)
        case "drain":
            engine.drain(conn)
            assert summary_oracle.unfolded(conn, tenant) == 0
        case "rebuild":
            engine.rows(conn, "SELECT * FROM attribution.rebuild(%s)", tenant)
        case "anew":
            engine.one(conn, "SELECT attribution.rebuild_summaries(%s)", tenant)
        case "zone":
            conn.execute("UPDATE attribution.tenants SET time_zone = %s WHERE id = %s", [given_, tenant])
        case "rule":
            rule(conn, tenant, given_)
        case "divide":
            query = "SELECT attribution.override_allocation(%s, 'sale-1', %s, 'ann', 'a test')"
            refusable(conn, query, tenant, Jsonb(given_))
        case "lift":
            refusable(conn, "SELECT attribution.lift_override(%s, 'sale-1', 'ann', 'a test')", tenant)
        case "rate":
            rates = Jsonb([{"currency": "EUR", "date": "2026-01-01", "rate": given_}])
            query = "SELECT added FROM attribution.import_fx_rates(%s, 'test', p_correct => true)"
            engine.rows(conn, query, rates)


def rule(conn: Connection, tenant: str, status: str) -> None:
    """Another book rule comes or goes: journeys change at once, allocations when they are computed again."""
    query = "SELECT status FROM attribution.attribution_rules WHERE tenant_id = %s AND name = 'first'"
    is_active = ("active",) in engine.rows(conn, query, tenant)
    if status == "active" and not is_active:
        count = len(engine.rows(conn, query, tenant))
        engine.add_rule(conn, tenant, name="first", version=count + 1, **FIRST_TOUCH)
    elif status == "retired" and is_active:
        engine.rows(conn, "SELECT attribution.set_rule_status(%s, 'first', NULL, 'retired')", tenant)


def refusable(conn: Connection, query: str, *values: Any) -> None:
    """A step that may have nothing to do."""
    try:
        engine.rows(conn, query, *values)
    except psycopg.Error as error:
        assert error.sqlstate == "RA004"


@pytest.fixture
def admin(db: Database) -> Iterator[Connection]:
    with db.connect(autocommit=True) as conn:
        yield conn


@EXAMPLES
@given(history=histories)
def test_views_equal_their_definitions_after_every_step(
    admin: Connection, history: tuple[str, Sequence[tuple[str, Any]]]
) -> None:
    mode, steps = history
    admin.execute("DELETE FROM attribution.fx_rates")
    tenant = engine.new_tenant(admin, mode)
    engine.use(admin, tenant)
    for deed, given_ in [*steps, ("fold", None), ("drain", None)]:
        take(admin, tenant, deed, given_)
        assert summary_oracle.wrong(admin, tenant) == {}, deed
        assert engine.rows(admin, "SELECT * FROM attribution.summary_breaches(%s)", tenant) == [], deed
    engine.one(admin, "SELECT attribution.erase_tenant(%s, 'Shop')", tenant)


def test_a_late_touch_changes_the_path_and_no_share(admin: Connection) -> None:
    tenant = engine.new_tenant(admin)
    engine.use(admin, tenant)
    rule(admin, tenant, "active")
    for name in ("position_based_30d", "linear", "last_touch"):
        query = "SELECT attribution.set_rule_status(%s, %s, NULL, 'retired')"
        engine.rows(admin, query, tenant, name)
    engine.send(admin, touch(1, at(hours=1)), touch(2, at(hours=3), channel="email"))
    engine.send(admin, purchase(3, at(hours=4), 1000))
    engine.drain(admin)
    before = engine.volumes(admin, tenant)["attribution_allocations"]
    engine.send(admin, touch(5, at(hours=2), channel="organic"))
    for deed in ("batch", "fold"):  # queued, noted, folded
        assert_path(admin, "direct > organic > email")
        take(admin, tenant, deed, None)
    assert_path(admin, "direct > organic > email")
    assert engine.volumes(admin, tenant)["attribution_allocations"] == before


def assert_path(conn: Connection, path: str) -> None:
    assert engine.rows(conn, "SELECT path FROM attribution.journey_paths") == [(path,)]


def test_folding_again_writes_nothing(admin: Connection) -> None:
    tenant = engine.new_tenant(admin)
    engine.use(admin, tenant)
    engine.send(admin, touch(1, at(hours=1)), purchase(2, at(hours=2), 1000))
    engine.drain(admin)
    query = "SELECT xmin::text, ctid::text FROM attribution.{0} WHERE tenant_id = %s ORDER BY 2"
    tables = (*summary_oracle.KEPT, "summary_states")
    before = {table: engine.rows(admin, query.format(table), tenant) for table in tables}
    assert engine.one(admin, "SELECT attribution.fold_summaries(%s)", tenant) == 0
    engine.drain(admin)
    assert {table: engine.rows(admin, query.format(table), tenant) for table in tables} == before


def test_every_snapshot_is_right_while_all_write_and_fold(db: Database, admin: Connection) -> None:
    tenant = engine.new_tenant(admin)
    until = time.monotonic() + 6
    seen: list[Any] = []
    numbers = iter(range(1, 10**6))
    lock = threading.Lock()

    def writes() -> None:
        with db.connect(autocommit=True) as conn:
            engine.use(conn, tenant)
            while time.monotonic() < until:
                with lock:
                    number = 10 * next(numbers)
                session = number // 10 % 5
                engine.send(conn, touch(number, at(hours=number % 7), session, channel="email"))
                engine.send(conn, purchase(number + 1, at(hours=number % 50), 100, session),
                            touch(number + 2, at(hours=1), session, **ANN))  # fmt: skip

    def repeats(*works: Any) -> None:
        with db.connect(autocommit=True) as conn:
            while time.monotonic() < until:
                for work in works:
                    work(conn)

    def reads() -> None:
        with db.connect(autocommit=True) as conn:
            engine.use(conn, tenant)
            while time.monotonic() < until:
                with conn.transaction():
                    conn.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
                    seen.append(summary_oracle.wrong(conn, tenant))

    def moves(conn: Connection) -> None:
        for zone in ZONES:
            time.sleep(0.5)
            take(conn, tenant, "zone", zone)

    fold = partial(engine.one, query="SELECT attribution.fold_summaries()")
    engine.together(
        [writes, writes, reads, partial(repeats, engine.drain), partial(repeats, fold),
         partial(repeats, moves)]
    )  # fmt: skip
    assert len(seen) > 5
    assert [found for found in seen if found] == []
    engine.drain(admin)
    engine.use(admin, tenant)
    assert summary_oracle.wrong(admin, tenant) == {}
    assert summary_oracle.unfolded(admin, tenant) == 0
    assert engine.breaches(admin, tenant) == []


def test_an_invalid_rule_fails_journeys_and_nothing_else(admin: Connection) -> None:
    """Somebody writes behind the guard what validate_rule() would refuse: sums are folded nevertheless."""
    tenant = engine.new_tenant(admin)
    engine.use(admin, tenant)
    engine.send(admin, touch(1, at(hours=1)), purchase(2, at(hours=2), 1000))
    table = "ALTER TABLE attribution.attribution_rules"
    one_of = "SELECT count(*) FROM attribution.{} WHERE tenant_id = %s"
    for lookback, folded in (("soon", 0), ("1 day", 1)):
        with admin.transaction():
            admin.execute(f"{table} DISABLE TRIGGER attribution_rules_immutable")
            query = "UPDATE attribution.attribution_rules SET config = %s WHERE tenant_id = %s"
            admin.execute(query, [Jsonb({"lookback": lookback}), tenant])
            admin.execute(f"{table} ENABLE ALWAYS TRIGGER attribution_rules_immutable")
        assert engine.one(admin, "SELECT attribution.fold_summaries(%s)", tenant) == 1
        assert engine.one(admin, one_of.format("ledger_days"), tenant) == 1
        assert engine.one(admin, one_of.format("conversion_paths"), tenant) == folded
        assert summary_oracle.unfolded(admin, tenant) == 0  # the events are in the queue
    assert summary_oracle.wrong(admin, tenant) == {}


def test_verify_finds_each_tampered_summary(admin: Connection) -> None:
    tenant = engine.new_tenant(admin)
    engine.use(admin, tenant)
    engine.send(admin, touch(1, at(hours=1), **ANN), purchase(2, at(hours=2), 1000))
    engine.drain(admin)
    assert engine.breaches(admin, tenant) == []
    columns = {
        "channel_days": ("allocations", "conversions", "revenue_cents"),
        "ledger_days": ("transactions", "conversions", "gross_cents", "refunded_cents"),
        "partner_totals": ("sales", "conversions", "gross_cents", "refunded_cents", "net_usd_cents"),
        "conversion_paths": ("value_cents", "touches", "days"),
    }
    for table, names in columns.items():
        statements = [f"UPDATE attribution.{table} SET {name} = {name} + 1" for name in names]
        statements += [f"DELETE FROM attribution.{table}"]
        for statement in statements:
            with admin.transaction(force_rollback=True):
                admin.execute(statement.encode())
                found = engine.breaches(admin, tenant)
                assert {row[0] for row in found} == {"summary_drift"}, statement
                assert all(str(row[1]).startswith(table) for row in found), statement
                engine.one(admin, "SELECT attribution.rebuild_summaries(%s)", tenant)
                assert engine.breaches(admin, tenant) == [], statement
    # What was noted is part of it: a change that is lost is one that never comes.
    engine.send(admin, purchase(3, at(hours=3), 1000))
    with admin.transaction(force_rollback=True):
        admin.execute("DELETE FROM attribution.unfolded_changes")
        assert {row[0] for row in engine.breaches(admin, tenant)} == {"summary_drift"}


@pytest.fixture
def shop(admin: Connection) -> str:
    tenant = engine.new_tenant(admin)
    engine.use(admin, tenant)
    engine.send(admin, *[touch(n, at(hours=1), session=n, channel="email") for n in range(1, 7)])
    engine.drain(admin)
    return tenant


def sells(conn: Connection, number: int) -> str:
    """A sale of its own, to the shop's one channel, of whoever may wait for nobody; what became of it."""
    conn.execute("SET lock_timeout = '1s'")
    engine.send(conn, purchase(100 + number, at(hours=2), 1000, session=number))
    query = "SELECT processing_status FROM attribution.event_processing WHERE event_id = %s"
    return str(engine.one(conn, query, uid(100 + number)))


def test_writers_and_folders_wait_for_nobody(db: Database, admin: Connection, shop: str, login: Any) -> None:
    one, other = login("attribution_app", shop), login("attribution_app", shop)
    with one.transaction():
        assert sells(one, 1) == "processed"
        assert sells(other, 2) == "processed"  # beside an open sale of the same channel and day
        admin.execute("SET lock_timeout = '1s'")
        assert engine.one(admin, "SELECT attribution.fold_summaries(%s)", shop) == 1
        with db.connect() as folder:
            assert sells(other, 3) == "processed"
            assert engine.one(folder, "SELECT attribution.fold_summaries(%s)", shop) == 1
            assert sells(other, 4) == "processed"  # beside an open fold
            assert engine.one(admin, "SELECT attribution.fold_summaries(%s)", shop) == 0  # nor do folders
            folder.commit()
    engine.drain(admin)
    assert summary_oracle.wrong(admin, shop) == {}
    assert summary_oracle.unfolded(admin, shop) == 0


def test_a_summary_that_writers_keep_would_make_them_wait(admin: Connection, shop: str, login: Any) -> None:
    """The mutation check: with a row that every sale of the day updates, the second does not get through."""
    definition = engine.one(admin, "SELECT pg_get_functiondef('attribution.book_conversions'::regproc)")
    note = "INSERT INTO attribution.unfolded_changes"
    assert note in definition
    hot = """
        hot AS (
            INSERT INTO attribution.ledger_days AS k VALUES (p_tenant, '2026-03-01', 'USD', 1, 1, 0, 0)
            ON CONFLICT (tenant_id, day, currency) DO UPDATE SET transactions = k.transactions + 1
        ),
        noted AS (
        """
    admin.execute(definition.replace("noted AS (", hot, 1).encode())
    one, other = login("attribution_app", shop), login("attribution_app", shop)
    with one.transaction():
        assert sells(one, 1) == "processed"
        assert sells(other, 2) == "failed"  # 55P03 is recorded, for an app's INSERT never fails
