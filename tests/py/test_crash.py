"""G7: whatever is killed, whenever: nothing acknowledged is lost, nothing is half-posted, work resumes.

Each test kills a server of this module, which is durable: fsync and synchronous_commit are on.
"""

import contextlib
import os
import signal
import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import engine
import psycopg
import pytest
import summary_oracle
from engine import Connection, at, purchase, touch
from servers import Database, Server, inspect

from controlplane.embedded import Cluster

pytestmark = pytest.mark.servers("local")

SALES = 40
VALUE = sum(100 * n + 1 for n in range(SALES))
DURABLE = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on", "max_connections": "50"}
# What holds a worker up in the middle of posting: a lock that conflicts with its next write or row lock.
PHASES = {
    "before it computes": "SELECT FROM attribution.event_processing FOR UPDATE",
    "before allocations": "LOCK TABLE attribution.attribution_allocations IN SHARE ROW EXCLUSIVE MODE",
    "between allocations and ledger": "LOCK TABLE attribution.ledger_batches IN SHARE ROW EXCLUSIVE MODE",
    "between batch and lines": "LOCK TABLE attribution.revenue_ledger IN SHARE ROW EXCLUSIVE MODE",
}


@dataclass
class Victim:
    """A server to kill, and a migrated database in it."""

    cluster: Cluster
    database: Database

    def connect(self, shop: str = "", **kwargs: Any) -> Connection:
        """A superuser's autocommit connection, with a tenant in context."""
        conn = self.database.connect(**({"autocommit": True} | kwargs))
        if shop:
            engine.use(conn, shop)
        return conn

    def settle(self) -> None:
        """Wait until the server takes connections: it recovers by itself, or is started again."""
        self.cluster.start()

        def answers() -> bool:
            with contextlib.suppress(psycopg.OperationalError), self.connect() as conn:
                return bool(engine.one(conn, "SELECT NOT pg_is_in_recovery()"))
            return False

        engine.wait_until(answers)


@pytest.fixture(scope="module")
def doomed(server: Server) -> Iterator[tuple[Cluster, Server]]:
    """A durable server of the same version, for the whole module."""
    with tempfile.TemporaryDirectory(prefix="pga-crash-", ignore_cleanup_errors=True) as rundir:
        Path(rundir).chmod(0o755)
        cluster = Cluster(Path(server.bindir), Path(rundir, "data"), options=DURABLE)
        try:
            cluster.start()
            yield cluster, inspect(Server(f"crash-{server.name}", cluster.url(), rundir))
        finally:
            cluster.destroy()


@pytest.fixture
def victim(doomed: tuple[Cluster, Server]) -> Iterator[Victim]:
    cluster, server = doomed
    cluster.start()  # should an earlier test have left it dead
    with server.database("migrated") as database:
        yield Victim(cluster, database)


def kill_backend(victim: Victim, pid: int) -> None:
    """kill -9 of one backend: the postmaster throws out all others and recovers."""
    os.kill(pid, signal.SIGKILL)


def kill_postmaster(victim: Victim, pid: int) -> None:
    """kill -9 of the postmaster: its children find themselves orphaned and end."""
    postmaster = victim.cluster.postmaster_pid
    assert postmaster
    os.kill(postmaster, signal.SIGKILL)
    engine.wait_until(lambda: not victim.cluster.is_running())


def stop_at_once(victim: Victim, pid: int) -> None:
    """What pg_ctl stop -m immediate does: no checkpoint, no rollback."""
    victim.cluster.stop("immediate")


# The same for taking money back, and for sealing: what they write last.
REFUND_PHASES = {
    "before it is looked at": "SELECT FROM attribution.event_processing FOR UPDATE",
    "between batch and lines": PHASES["between batch and lines"],
    "before states": "LOCK TABLE attribution.revenue_state_transitions IN SHARE ROW EXCLUSIVE MODE",
}
SEAL_PHASES = {
    "before it seals": "SELECT FROM attribution.tenants FOR UPDATE",
    "while it seals": "LOCK TABLE attribution.ledger_seals IN SHARE ROW EXCLUSIVE MODE",
}
# And for folding: rows of the summaries and the notes, locked in turn, stop it before each of its writes.
FOLD_PHASES = {
    table: f"SELECT FROM attribution.{table} FOR UPDATE"
    for table in (*summary_oracle.KEPT, "summary_states", "unfolded_changes")
}
KILLS = [kill_backend, kill_postmaster, stop_at_once]


def sales(conn: Connection, shop: str) -> None:
    """SALES purchases, each with a touch before it."""
    engine.use(conn, shop)
    for n in range(SALES):
        engine.send(
            conn, touch(1000 + n, at(), session=n), purchase(2000 + n, at(hours=1), 100 * n + 1, session=n)
        )


def assert_all_is_posted(victim: Victim, shop: str) -> None:
    """`ctl run && ctl verify`, the totals, and that no more work is left."""
    with victim.connect() as conn:
        engine.drain(conn)
        assert engine.breaches(conn) == []
        query = "SELECT sum(amount_cents)::bigint FROM attribution.revenue_ledger WHERE tenant_id = %s"
        assert engine.one(conn, query, shop) == VALUE
        assert engine.volumes(conn, shop)["attribution_events"] == 2 * SALES
        assert engine.queued(conn, shop) == 0
        assert engine.rows(conn, "SELECT * FROM attribution.rebuild(%s)", shop) == [(SALES, 0)]


def held_up(victim: Victim, lock: str, work: Callable[[Connection], Any], kill: Callable[..., None]) -> bool:
    """Start some work, hold it up by a lock, and kill while it waits there; returns whether it got through.

    Only the postmaster's death can let it: the lock's holder may notice first, and its end frees the lock.
    """
    with contextlib.ExitStack() as stack:
        stack.enter_context(contextlib.suppress(psycopg.OperationalError))  # every connection dies
        holder = stack.enter_context(victim.connect(autocommit=False))
        observer = stack.enter_context(victim.connect())
        worker = stack.enter_context(victim.connect())
        holder.execute(lock)  # type: ignore[call-overload]
        with engine.in_background(lambda: work(worker)) as done:
            engine.wait_until_blocked(observer, worker.info.backend_pid)
            kill(victim, worker.info.backend_pid)
        error = done.exception()
        assert isinstance(error, psycopg.OperationalError) or (kill is kill_postmaster and error is None)
    victim.settle()
    return error is None


@pytest.mark.parametrize("kill", KILLS)
def test_killed_in_the_middle_of_a_run(victim: Victim, kill: Callable[..., None]) -> None:
    for phase, lock in PHASES.items():
        with victim.connect() as conn:
            shop = engine.new_tenant(conn, "deferred")
            sales(conn, shop)
        done = held_up(victim, lock, engine.drain, kill)
        with victim.connect() as conn:
            # The claim is undone with the transaction, or all is done.
            assert engine.queued(conn, shop) == (0 if done else SALES), phase
            assert engine.volumes(conn, shop)["revenue_ledger"] == (SALES if done else 0), phase
            assert engine.breaches(conn) == [], phase
        assert_all_is_posted(victim, shop)


@pytest.mark.parametrize("kill", KILLS)
def test_killed_in_the_middle_of_a_restatement(victim: Victim, kill: Callable[..., None]) -> None:
    """Between reversal and re-posting the ledger would be wrong: there is no between."""
    with victim.connect() as conn:
        shop = engine.new_tenant(conn)
        sales(conn, shop)
        engine.drain(conn)
        before = engine.balances(conn, shop)
        engine.send(
            conn, *[touch(3000 + n, at(minutes=30), session=n, channel="email") for n in range(SALES)]
        )
    done = held_up(victim, PHASES["between batch and lines"], engine.drain, kill)
    with victim.connect() as conn:
        assert (engine.balances(conn, shop) != before) == done
        assert engine.breaches(conn) == []
        engine.drain(conn)
        assert engine.balances(conn, shop) != before
        assert engine.breaches(conn) == []
        query = "SELECT sum(amount_cents)::bigint FROM attribution.revenue_ledger WHERE tenant_id = %s"
        assert engine.one(conn, query, shop) == VALUE


@pytest.mark.parametrize("kill", KILLS)
def test_killed_in_the_middle_of_an_insert(victim: Victim, kill: Callable[..., None]) -> None:
    """A sync tenant's INSERT posts before it is acknowledged: it happened as a whole or not at all."""
    for phase in ("before allocations", "between batch and lines"):
        with victim.connect() as conn:
            shop = engine.new_tenant(conn)

        def work(conn: Connection, shop: str = shop) -> None:
            engine.use(conn, shop)
            engine.send(conn, touch(1000, at(), session=0), purchase(2000, at(hours=1), 1, session=0))

        done = held_up(victim, PHASES[phase], work, kill)
        with victim.connect() as conn:
            found = engine.volumes(conn, shop)
            if not done:
                assert {table for table, count in found.items() if count} == {"attribution_rules"}, phase
            assert found["attribution_events"] == 2 * done, phase
            assert found["revenue_ledger"] == engine.queued(conn, shop) == done, phase
            assert engine.breaches(conn) == [], phase
            sales(conn, shop)  # the app sends it again, and goes on
        assert_all_is_posted(victim, shop)


@pytest.mark.parametrize("kill", KILLS)
def test_killed_in_the_middle_of_a_refund(victim: Victim, kill: Callable[..., None]) -> None:
    """Money, state and verdict move together or not at all."""
    for phase, lock in REFUND_PHASES.items():
        with victim.connect() as conn:
            shop = engine.new_tenant(conn, "deferred")
            sales(conn, shop)
            engine.drain(conn)
            backs = [
                purchase(
                    4000 + n, at(days=1), 100 * n + 1, event_type="refund", transaction_id=f"sale-{2000 + n}"
                )
                for n in range(SALES)
            ]
            engine.send(conn, *backs)
        done = held_up(victim, lock, engine.drain, kill)
        with victim.connect() as conn:
            assert engine.breaches(conn) == [], phase
            assert left(conn, shop) == (0 if done else VALUE), phase
            engine.drain(conn)
            assert left(conn, shop) == 0, phase
            assert engine.breaches(conn) == [], phase
            query = (
                "SELECT DISTINCT state, net_cents FROM attribution.revenue_transactions WHERE tenant_id = %s"
            )
            assert engine.rows(conn, query, shop) == [("refunded", 0)], phase


@pytest.mark.parametrize("kill", KILLS)
def test_killed_in_the_middle_of_sealing(victim: Victim, kill: Callable[..., None]) -> None:
    """The chain has no gap, and goes on where it ended."""
    seal = "SELECT attribution.seal_ledger(%s)"
    for phase, lock in SEAL_PHASES.items():
        with victim.connect() as conn:
            shop = engine.new_tenant(conn)
            sales(conn, shop)

        def work(conn: Connection, shop: str = shop) -> None:
            engine.one(conn, seal, shop)

        held_up(victim, lock, work, kill)
        with victim.connect() as conn:
            assert engine.breaches(conn) == [], phase
            engine.drain(conn)
            query = "SELECT count(*), max(seq) FROM attribution.ledger_seals WHERE tenant_id = %s"
            assert engine.rows(conn, query, shop) == [(SALES, SALES)], phase
            assert engine.breaches(conn) == [], phase


@pytest.mark.parametrize("kill", KILLS)
def test_killed_in_the_middle_of_folding(victim: Victim, kill: Callable[..., None]) -> None:
    """Folded or not folded, never half: views and verify() see no difference, the next fold goes on."""
    for phase, lock in FOLD_PHASES.items():
        with victim.connect() as conn:
            shop = engine.new_tenant(conn)
            engine.use(conn, shop)
            ann = {"event_type": "partner_touch", "channel": "partner", "partner_id": "ann"}
            engine.send(conn, touch(1, at(), **ann), purchase(2, at(hours=1), 1000))
            engine.drain(conn)
            engine.send(conn, touch(3, at(minutes=1), **ann), purchase(4, at(hours=2), 100))
            engine.one(conn, "SELECT attribution.process_batch(%s)", shop)
            notes = summary_oracle.unfolded(conn, shop)

        def work(conn: Connection, shop: str = shop) -> None:
            engine.one(conn, "SELECT attribution.fold_summaries(%s)", shop)

        done = held_up(victim, lock, work, kill)
        with victim.connect(shop) as conn:
            assert summary_oracle.unfolded(conn, shop) == (0 if done else notes), phase
            for _ in range(2):
                assert summary_oracle.wrong(conn, shop) == {}, phase
                assert engine.breaches(conn) == [], phase
                engine.drain(conn)
            assert summary_oracle.unfolded(conn, shop) == 0, phase


def left(conn: Connection, shop: str) -> int:
    query = "SELECT sum(amount_cents)::bigint FROM attribution.revenue_ledger WHERE tenant_id = %s"
    return int(engine.one(conn, query, shop))


@pytest.mark.parametrize("kill", KILLS)
def test_what_was_acknowledged_is_there(victim: Victim, kill: Callable[..., None]) -> None:
    """Senders and runners at work when all ends: acknowledged events survive, others may be sent again."""
    with victim.connect() as conn:
        shop = engine.new_tenant(conn)
        other = engine.new_tenant(conn, "deferred")
        sales(conn, other)
    acknowledged: list[str] = []
    enough = threading.Event()
    lanes = [range(start, SALES, 3) for start in range(3)]

    def sender(lane: range) -> None:
        with contextlib.suppress(psycopg.OperationalError), victim.connect(shop) as conn:
            for n in lane:
                for event in (
                    touch(1000 + n, at(), session=n),
                    purchase(2000 + n, at(hours=1), 100 * n + 1, session=n),
                ):
                    engine.send(conn, event)
                    acknowledged.append(event["idempotency_key"])
                if len(acknowledged) > SALES // 2:
                    enough.set()

    def runner() -> None:
        with contextlib.suppress(psycopg.OperationalError), victim.connect() as conn:
            while True:
                engine.drain(conn)

    def killer() -> None:
        assert enough.wait(60)
        with contextlib.suppress(psycopg.OperationalError), victim.connect() as conn:
            query = "SELECT max(pid) FROM pg_stat_activity WHERE query LIKE 'CALL attribution%%'"
            pid = engine.wait_until(lambda: engine.one(conn, query))
            kill(victim, pid)

    engine.together([*[lambda lane=lane: sender(lane) for lane in lanes], runner, killer])
    victim.settle()
    with victim.connect() as conn:
        query = "SELECT idempotency_key FROM attribution.attribution_events WHERE tenant_id = %s"
        survived = {key for (key,) in engine.rows(conn, query, shop)}
        assert len(acknowledged) > SALES // 2 and set(acknowledged) <= survived
        assert engine.breaches(conn) == []
        sales(conn, shop)  # all of them once more: what is there is a duplicate
    for tenant in (shop, other):
        assert_all_is_posted(victim, tenant)
