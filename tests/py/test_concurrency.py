"""G3, G4, G5 at once: duplicates, journeys across overlapping transactions, many workers."""

import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from itertools import permutations
from typing import Any

import engine
import psycopg
import pytest
from engine import Connection, at, purchase, touch
from servers import Database

CLIENTS = 8
EVENTS = 1000
Login = Callable[..., Connection]


@pytest.fixture
def admin(db: Database) -> Iterator[Connection]:
    with db.connect(autocommit=True) as conn:
        yield conn


@pytest.fixture
def shop(admin: Connection) -> str:
    return engine.new_tenant(admin)


@pytest.fixture
def clients(login: Login, shop: str) -> list[Connection]:
    return [login("attribution_app", shop) for _ in range(CLIENTS)]


def thousand() -> list[dict[str, Any]]:
    """800 touches and 200 purchases in 100 sessions."""
    return [
        purchase(n, at(hours=n), 100 * n + 1, session=n % 100)
        if n % 5 == 0
        else touch(n, at(hours=n), session=n % 100 // 5 * 5)
        for n in range(1, EVENTS + 1)
    ]


def one_by_one(conn: Connection, events: Sequence[Any], seed: int) -> None:
    """Single-row statements, each its own transaction, in an order of this client's own."""
    for event in random.Random(seed).sample(list(events), len(events)):
        engine.send(conn, event)


def in_one_statement(conn: Connection, events: Sequence[Any], seed: int) -> None:
    engine.send(conn, *events)


def in_one_statement_that_skips(conn: Connection, events: Sequence[Any], seed: int) -> None:
    engine.send(conn, *events, suffix="ON CONFLICT DO NOTHING")


@pytest.mark.parametrize("way", [one_by_one, in_one_statement, in_one_statement_that_skips])
@pytest.mark.parametrize("same_ids", [True, False], ids=["same ids", "own ids"])
def test_the_same_events_from_eight_connections(
    admin: Connection, shop: str, clients: list[Connection], way: Callable[..., None], same_ids: bool
) -> None:
    events = thousand()
    if (
        not same_ids
    ):  # an app that leaves the id to the server sends the same key, and the server's ids differ
        events = [{column: event[column] for column in event if column != "id"} for event in events]
    # No error reaches any client, and nothing deadlocks: together() would raise it.
    engine.together(lambda conn=conn, seed=seed: way(conn, events, seed) for seed, conn in enumerate(clients))
    engine.drain(admin)
    assert engine.volumes(admin, shop)["attribution_events"] == EVENTS
    assert engine.volumes(admin, shop)["dead_events"] == 0
    keys = engine.rows(
        admin, "SELECT idempotency_key FROM attribution.attribution_events WHERE tenant_id = %s", shop
    )
    assert sorted(key for (key,) in keys) == sorted(event["idempotency_key"] for event in events)
    assert_one_set_of_lines(admin, shop, events)


def assert_one_set_of_lines(admin: Connection, tenant: str, events: Sequence[Any]) -> None:
    """Each sale is posted once: its lines, corrections aside, sum to its value; nothing is left to do."""
    query = """
        SELECT transaction_id, sum(amount_cents)::bigint FROM attribution.revenue_ledger
        WHERE tenant_id = %s GROUP BY 1
        """
    due = {e["transaction_id"]: e["conversion_value_cents"] for e in events if e["event_type"] == "purchase"}
    assert dict(engine.rows(admin, query, tenant)) == due
    assert engine.breaches(admin, tenant) == []
    assert engine.rows(admin, "SELECT * FROM attribution.rebuild(%s)", tenant) == [(len(due), 0)]


def test_a_duplicate_waits_for_the_first_to_decide(
    admin: Connection, shop: str, clients: list[Connection]
) -> None:
    """The second sender of a key learns what became of the first: rolled back, its own row counts."""
    first, second = clients[:2]
    event = purchase(1, at(), 500)
    for outcome, counted in (("ROLLBACK", 1), ("COMMIT", 0)):
        key = {"idempotency_key": outcome, "transaction_id": outcome, "id": None}
        first.execute("BEGIN")
        engine.send(first, event | key)
        with engine.in_background(lambda key=key: engine.send(second, event | key)) as later:
            engine.wait_until_blocked(admin, second.info.backend_pid)
            first.execute(outcome)
        assert later.result() == counted
    engine.drain(admin)
    query = "SELECT idempotency_key FROM attribution.attribution_events ORDER BY 1"
    assert engine.rows(admin, query) == [("COMMIT",), ("ROLLBACK",)]
    assert engine.breaches(admin, shop) == []


def merges(*scripts: Sequence[Any]) -> Iterator[list[Any]]:
    """Every way to interleave scripts, each in its own order."""
    if not any(scripts):
        yield []
    for i, script in enumerate(scripts):
        if script:
            for rest in merges(*scripts[:i], script[1:], *scripts[i + 1 :]):
                yield [script[0], *rest]


def play(
    admin: Connection, clients: Sequence[Connection], steps: Sequence[tuple[int, Any]], runs_after: set[int]
) -> None:
    """Run steps of several clients in order; `runs_after` are the steps after which the queue is run."""
    for number, (client, step) in enumerate(steps):
        if isinstance(step, str):
            clients[client].execute(step)
        else:
            engine.send(clients[client], step)
        if number in runs_after:
            engine.drain(admin)
    engine.drain(admin)


def assert_nothing_forgotten(admin: Connection, shop: str, case: Any, touches: set[str]) -> None:
    assert engine.credited(admin, shop, engine.uid(9)) == touches, case
    assert engine.breaches(admin, shop) == [], case
    assert engine.rows(admin, "SELECT changed FROM attribution.rebuild(%s)", shop) == [(0,)], case


@pytest.mark.parametrize("mode", ["sync", "deferred"])
@pytest.mark.parametrize("begin", ["BEGIN", "BEGIN ISOLATION LEVEL REPEATABLE READ"])
def test_no_touch_is_forgotten_in_any_interleaving_of_two(
    admin: Connection, clients: list[Connection], mode: str, begin: str
) -> None:
    """A touch and its purchase in overlapping transactions: all 20 interleavings, a run at any step."""
    scripts = [[(0, begin), (0, touch(1, at())), (0, "COMMIT")],
               [(1, begin), (1, purchase(9, at(hours=1), 1000)), (1, "COMMIT")]]  # fmt: skip
    orders = list(merges(*scripts))
    assert len(orders) == 20
    for steps in orders:
        for runs_after in (set(), set(range(6)), *({step} for step in range(5))):
            shop = engine.new_tenant(admin, mode)
            for conn in clients[:2]:
                engine.use(conn, shop)
            play(admin, clients, steps, runs_after)
            assert_nothing_forgotten(admin, shop, (steps, runs_after), {engine.uid(1)})


def test_no_touch_is_forgotten_in_any_interleaving_of_three(
    admin: Connection, clients: list[Connection]
) -> None:
    """Two touches and their purchase, each inserted and later committed: all 90 interleavings."""
    events = [touch(1, at()), touch(2, at(hours=1)), purchase(9, at(hours=2), 1000)]
    orders = list(merges(*[[(i, event), (i, "COMMIT")] for i, event in enumerate(events)]))
    assert len(orders) == 90
    for steps in orders:
        for runs_after in (set(), set(range(6)), {2, 3, 4}):
            shop = engine.new_tenant(admin)
            for conn in clients[:3]:
                engine.use(conn, shop)
                conn.execute("BEGIN")
            play(admin, clients, steps, runs_after)
            assert_nothing_forgotten(admin, shop, (steps, runs_after), {engine.uid(1), engine.uid(2)})


def test_a_run_takes_only_what_it_saw(admin: Connection, db: Database, clients: list[Connection]) -> None:
    """The lost wake-up: an event that commits while a run works on its journey waits for the next run."""
    for late in permutations([1, 2]):
        shop = engine.new_tenant(admin, "deferred")
        for conn in clients[:2]:
            engine.use(conn, shop)
        with db.connect() as worker:
            engine.send(clients[0], purchase(9, at(hours=2), 1000))
            worker.execute("SELECT attribution.process_batch(%s)", [shop])
            for number in late:
                engine.send(clients[1], touch(number, at(hours=number - 1)))
        assert engine.queued(admin, shop) == len(late)
        engine.drain(admin)
        assert_nothing_forgotten(admin, shop, late, {engine.uid(1), engine.uid(2)})


def test_a_worker_that_waited_does_not_overwrite_the_newer_result(
    admin: Connection, db: Database, shop: str, clients: list[Connection]
) -> None:
    """Worker B claims, then waits for A, who meanwhile takes in a later touch: B must see it too."""
    engine.send(clients[0], purchase(9, at(hours=2), 1000))
    engine.send(clients[0], touch(1, at()))
    with db.connect() as a, db.connect(autocommit=True) as b:
        a.execute("SELECT FROM attribution.event_processing WHERE tenant_id = %s FOR UPDATE", [shop])
        with engine.in_background(lambda: engine.drain(b)):
            engine.wait_until_blocked(admin, b.info.backend_pid)
            engine.send(clients[0], touch(2, at(hours=1)))
            assert engine.one(a, "SELECT attribution.process_batch(%s)", shop) == 1
            a.commit()
    assert engine.queued(admin, shop) == 0
    assert_nothing_forgotten(admin, shop, "no further run", {engine.uid(1), engine.uid(2)})


def test_two_workers_on_one_conversion_post_it_once(
    admin: Connection, db: Database, clients: list[Connection]
) -> None:
    """Both have a reason to compute the same conversion: the second finds it done."""
    shop = engine.new_tenant(admin, "deferred")
    engine.use(clients[0], shop)
    engine.send(clients[0], touch(1, at()), purchase(9, at(hours=1), 1000))
    with db.connect() as a, db.connect(autocommit=True) as b:
        assert engine.one(a, "SELECT attribution.process_batch(%s)", shop) == 1
        with engine.in_background(
            lambda: engine.rows(b, "SELECT * FROM attribution.rebuild(%s)", shop)
        ) as other:
            engine.wait_until_blocked(admin, b.info.backend_pid)
            a.commit()
        assert other.result() == [(1, 0)]
    assert engine.volumes(admin, shop)["revenue_ledger"] == 1
    assert_nothing_forgotten(admin, shop, "posted once", {engine.uid(1)})


def test_several_runs_at_once(admin: Connection, db: Database) -> None:
    """Runners, rebuilds and senders at once over three tenants: no deadlock, and nothing is left over."""
    events = thousand()
    shops = [engine.new_tenant(admin, mode) for mode in ("sync", "deferred", "deferred")]
    with ExitStack() as stack:
        conns = [stack.enter_context(db.connect(autocommit=True)) for _ in range(CLIENTS)]

        def sender(conn: Connection, shop: str) -> None:
            engine.use(conn, shop)
            for start in range(0, EVENTS, 100):  # purchases before the touches of later batches
                engine.send(conn, *events[::-1][start : start + 100])

        def runner(conn: Connection) -> None:
            for _ in range(10):
                engine.drain(conn)

        def rebuilder(conn: Connection) -> None:
            for _ in range(5):
                engine.rows(conn, "SELECT attribution.rebuild(%s)", shops[0])

        senders = [lambda c=c, s=s: sender(c, s) for c, s in zip(conns, shops, strict=False)]
        runners = [lambda c=c: runner(c) for c in conns[3:7]]
        engine.together([*senders, *runners, lambda: rebuilder(conns[7])])
    engine.drain(admin)
    results = [(engine.allocations(admin, shop), engine.balances(admin, shop)) for shop in shops]
    assert results[0] == results[1] == results[2]
    for shop in shops:
        assert engine.queued(admin, shop) == 0
        assert_one_set_of_lines(admin, shop, events)


def test_an_erasure_and_an_insert_do_not_mix(
    admin: Connection, db: Database, shop: str, clients: list[Connection]
) -> None:
    """An erasure waits for the insert in flight, and the tenant is gone with that row too."""
    clients[0].execute("BEGIN")
    engine.send(clients[0], purchase(9, at(), 1000))
    with db.connect(autocommit=True) as other:
        erase = "SELECT attribution.erase_tenant(%s, 'Shop')"
        with engine.in_background(lambda: engine.one(other, erase, shop)) as erased:
            engine.wait_until_blocked(admin, other.info.backend_pid)
            clients[0].execute("COMMIT")
        assert erased.result()["attribution_events"] == 1
    with pytest.raises(psycopg.Error):
        engine.send(clients[1], purchase(10, at(), 1000))
    assert set(engine.volumes(admin, shop).values()) == {0}


def test_the_interleavings_are_complete() -> None:
    assert sorted(map("".join, merges("ab", "xy"))) == ["abxy", "axby", "axyb", "xaby", "xayb", "xyab"]
