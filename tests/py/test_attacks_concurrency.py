"""ATTACKS.md, Concurrency (26 to 33): no interleaving loses, doubles or overwrites.

27, two refunds at once, is in test_attacks_ledger.py. 33: kill -9 of a backend and of the server, in every
phase, are in test_crash.py; what is here is its mutation check, a claim that is committed before its work is
done.
Each interleaving is made by locks, never by time.
"""

from collections.abc import Callable, Iterator
from typing import Any

import attacks
import psycopg
import pytest
from attacks import World, state
from engine import (
    Connection,
    at,
    breaches,
    credited,
    drain,
    in_background,
    new_tenant,
    one,
    purchase,
    rows,
    send,
    touch,
    uid,
    use,
    wait_until,
    wait_until_blocked,
)  # fmt: skip
from servers import Database

SALE = 9


@pytest.fixture
def world(db: Database, login: attacks.Login) -> Iterator[World]:
    """Without rows: each attack makes a shop of its own."""
    with db.connect(autocommit=True) as admin:
        yield World(db, admin, login, "", "")


def shop_of(world: World, conn: Connection, *, mode: str = "deferred") -> str:
    shop = new_tenant(world.admin, mode)
    use(conn, shop)
    return shop


def test_26_a_unique_key_decides_what_a_duplicate_is(world: World) -> None:
    """EXISTS, then INSERT: two transactions both see nothing. The key does not."""
    one_client, other = world.login(), world.login()

    def attack() -> int:
        shop = shop_of(world, one_client)
        use(other, shop)
        event = touch(1, at()) | {"id": None}
        one_client.execute("BEGIN")
        send(one_client, event)
        with in_background(lambda: state_of(lambda: send(other, event))) as answer:
            # Guarded, the second sender waits for the first; unguarded, it just goes on.
            wait_until(lambda: answer.done() or waits(world, other))
            one_client.execute("COMMIT")
        answer.result()
        return int(
            one(world.admin, "SELECT count(*) FROM attribution.attribution_events WHERE tenant_id = %s", shop)
        )

    assert attack() == 1
    exists = (
        "EXISTS (SELECT FROM attribution.event_keys AS k"
        " WHERE k.tenant_id = v_tenant AND k.idempotency_key = NEW.idempotency_key)"
    )
    takes_key = "    IF v_code IS NULL THEN\n        -- Waits"
    world.rewrite("accept_event", takes_key, takes_key.replace("NULL THEN", f"NULL AND NOT {exists} THEN"))
    world.rewrite("accept_event", "        ON CONFLICT DO NOTHING;", "        ;")
    world.do(
        "ALTER TABLE attribution.event_keys DROP CONSTRAINT event_keys_pkey",
        "ALTER TABLE attribution.attribution_events DROP CONSTRAINT IF EXISTS attribution_events_idempotency",
    )
    assert attack() == 2


def test_26_one_id_of_two_events_at_once(world: World) -> None:
    """Two events with one id, from two connections: the second is not lost, now or when sent again."""
    first, second = world.login(), world.login()
    shop = shop_of(world, first)
    use(second, shop)
    first.execute("BEGIN")
    send(first, touch(1, at(), idempotency_key="a"))
    late = touch(1, at(), idempotency_key="b")
    with in_background(
        lambda: state_of(lambda: send(second, late, suffix="ON CONFLICT DO NOTHING"))
    ) as answer:
        wait_until(lambda: answer.done() or waits(world, second))
        first.execute("COMMIT")
    answer.result()
    send(second, touch(2, at(), idempotency_key="b"))
    kept = "SELECT idempotency_key FROM attribution.attribution_events WHERE tenant_id = %s ORDER BY 1"
    assert rows(world.admin, kept, shop) == [("a",), ("b",)]
    assert breaches(world.admin, shop) == []


def state_of(work: Callable[[], Any]) -> str:
    try:
        return str(work())
    except psycopg.Error as error:
        return str(error.sqlstate)


def waits(world: World, conn: Connection) -> bool:
    return bool(
        one(
            world.admin, "SELECT count(*) FROM pg_locks WHERE pid = %s AND NOT granted", conn.info.backend_pid
        )
    )


def worker(world: World, **kwargs: Any) -> Connection:
    """A superuser's connection that cannot hang a test."""
    return world.db.connect(options="-c statement_timeout=100s", **kwargs)


def test_28_a_lost_wake_up(world: World) -> None:
    """A touch that is queued after a worker has computed its journey is not deleted unseen."""
    client = world.login()
    world.do(
        "CREATE TABLE public.gate AS SELECT 1 AS one",
        "GRANT SELECT, UPDATE ON public.gate TO attribution_engine",
    )
    through = "    RETURN cardinality(v_claimed)"
    gate = "    PERFORM FROM public.gate FOR UPDATE;\n"
    world.rewrite("process_batch", through, gate + through)

    def attack() -> set[str | None]:
        shop = shop_of(world, client)
        send(client, touch(1, at()), purchase(SALE, at(hours=3), 1000))
        with worker(world) as holder, worker(world, autocommit=True) as runner:
            holder.execute("SELECT FROM public.gate FOR UPDATE")
            with in_background(lambda: one(runner, "SELECT attribution.process_batch(%s)", shop)) as done:
                wait_until_blocked(world.admin, runner.info.backend_pid)
                send(client, touch(3, at(hours=1)))
                holder.rollback()
            assert done.result() == 1
        drain(world.admin)
        return {uid(1), uid(3)} - credited(world.admin, shop, uid(SALE))

    assert attack() == set()
    # As in a queue that is a set: what its key holds when the work is done counts as done.
    forget = "    DELETE FROM attribution.work_queue WHERE tenant_id = p_tenant;\n"
    world.rewrite("process_batch", gate + through, gate + forget + through)
    assert attack() == {uid(3)}


def test_29_a_stale_overwrite(world: World) -> None:
    """Two workers on one conversion: who waited computes from what the other left, not from before."""
    client = world.login()

    def attack() -> set[Any]:
        shop = shop_of(world, client)
        send(client, touch(1, at()), purchase(SALE, at(hours=3), 1000))
        with worker(world) as first, worker(world, autocommit=True) as second:
            first.execute("SELECT attribution.process_batch(%s)", [shop])
            send(client, touch(2, at(hours=1)))
            with in_background(lambda: one(second, "SELECT attribution.process_batch(%s)", shop)):
                wait_until_blocked(world.admin, second.info.backend_pid)
                first.commit()
        return {uid(1), uid(2)} - credited(world.admin, shop, uid(SALE))

    assert attack() == set()
    world.rewrite("lock_conversions", "        FOR UPDATE\n", "")
    assert attack() == {uid(2)}


def test_29_an_old_snapshot_is_refused(world: World) -> None:
    client = world.login()

    def attack() -> str:
        shop = shop_of(world, client)
        send(client, touch(1, at()), purchase(SALE, at(hours=3), 1000))
        with worker(world) as conn:
            conn.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            return state(conn, "SELECT attribution.process_batch(%s)", shop)

    assert attack() == "25001"
    world.rewrite("require_read_committed", "NOT IN ('read committed', 'read uncommitted')", "= 'none'")
    assert attack() == "done"


def test_30_what_commits_late_is_not_skipped(world: World) -> None:
    """The older id commits after the newer was claimed: no cursor and no watermark may have passed it."""
    early, late = world.login(), world.login()

    def attack() -> set[Any]:
        shop = shop_of(world, early)
        use(late, shop)
        send(late, purchase(SALE, at(hours=3), 1000))
        with early.transaction():
            send(early, touch(1, at()))
            send(late, touch(2, at(hours=1)))
            drain(world.admin)
        drain(world.admin)
        return {uid(1), uid(2)} - credited(world.admin, shop, uid(SALE))

    assert attack() == set()
    # A claim that remembers how far it came: each tenant's highest id.
    world.do(
        "CREATE TABLE public.watermark (tenant_id uuid, id uuid)",
        "GRANT ALL ON public.watermark TO attribution_engine",
    )
    world.rewrite(
        "process_batch",
        "        WHERE q.tenant_id = p_tenant\n        ORDER BY q.id",
        "        WHERE q.tenant_id = p_tenant AND NOT EXISTS (SELECT FROM public.watermark AS w"
        " WHERE w.tenant_id = p_tenant AND w.id > q.id)\n        ORDER BY q.id",
    )
    world.rewrite(
        "process_batch",
        "    WITH taken AS (",
        "    INSERT INTO public.watermark SELECT p_tenant, c FROM unnest(v_claimed) AS c;\n"
        "    WITH taken AS (",
    )
    assert attack() == {uid(1)}


def test_31_locks_are_taken_in_key_order(world: World) -> None:
    """Given in any order, conversions are locked by key: neither worker holds what the other wants."""
    client = world.login()

    def attack() -> bool:
        """Does a worker that waits for the first conversion already hold the second?"""
        shop = shop_of(world, client)
        send(client, purchase(1, at(), 100), purchase(2, at(), 100))
        lock = "SELECT FROM attribution.event_processing WHERE tenant_id = %s AND event_id = %s FOR UPDATE"
        with worker(world) as holder, worker(world) as runner:
            holder.execute(lock, [shop, uid(1)])
            call = "SELECT attribution.attribute_conversions(%s, %s::uuid[])"
            with in_background(lambda: runner.execute(call, [shop, [uid(2), uid(1)]])):
                wait_until_blocked(world.admin, runner.info.backend_pid)
                held = state(world.admin, lock + " NOWAIT", shop, uid(2)) == "55P03"
                holder.rollback()
            runner.rollback()
        return held

    assert not attack()
    world.rewrite("lock_conversions", "ORDER BY e.id", "ORDER BY e.id DESC")
    assert attack()


def test_32_a_poison_conversion_stands_alone(world: World) -> None:
    """Of 1,000 conversions one is bad: 999 are posted in about twenty calls, it is kept with its error."""
    client = world.login()
    world.do(
        "CREATE SEQUENCE public.calls",
        "GRANT USAGE ON SEQUENCE public.calls TO attribution_engine",
        "ALTER TABLE attribution.attribution_allocations ADD CONSTRAINT poison"
        f" CHECK (event_id <> '{uid(637)}')",
    )
    # A sequence counts what a failed call did, too.
    world.rewrite(
        "attribute_conversions",
        "BEGIN\n    IF p_wait",
        "BEGIN\n    PERFORM nextval('public.calls');\n    IF p_wait",
    )

    def attack() -> tuple[int, list[Any], int]:
        shop = shop_of(world, client)
        send(client, *(purchase(n, at(), 100, session=n) for n in range(1, 1001)))
        world.do("ALTER SEQUENCE public.calls RESTART")
        world.admin.execute("SELECT attribution.process_batch(%s)", [shop])
        query = """
            SELECT event_id::text, split_part(last_error, ':', 1) FROM attribution.event_processing
            WHERE tenant_id = %s AND processing_status <> 'processed'
            """
        posted = one(
            world.admin, "SELECT count(*) FROM attribution.revenue_ledger WHERE tenant_id = %s", shop
        )
        return posted, rows(world.admin, query, shop), one(world.admin, "SELECT nextval('public.calls')") - 1

    posted, failed, calls = attack()
    assert (posted, failed) == (999, [(uid(637), "23514")])
    assert 18 <= calls <= 21
    world.rewrite("process_conversions", "IF v_half = 0 THEN", "IF true THEN")
    posted, failed, calls = attack()
    assert (posted, len(failed), calls) == (0, 1000, 1)


def test_33_a_claim_and_its_work_are_one_transaction(world: World) -> None:
    """A worker is killed in the middle of its work: what it had claimed is still queued."""
    client = world.login()

    def attack(call: str) -> set[Any]:
        shop = shop_of(world, client)
        send(client, touch(1, at()), purchase(SALE, at(hours=3), 1000))
        with worker(world) as holder:
            holder.execute("SELECT FROM attribution.event_processing WHERE tenant_id = %s FOR UPDATE", [shop])
            runner = worker(world, autocommit=True)
            with in_background(lambda: state_of(lambda: runner.execute(call.encode(), [shop]))) as answer:
                wait_until_blocked(world.admin, runner.info.backend_pid)
                world.admin.execute("SELECT pg_terminate_backend(%s)", [runner.info.backend_pid])
            assert answer.result() == "57P01"
            runner.close()
        drain(world.admin)
        return {uid(1)} - credited(world.admin, shop, uid(SALE))

    assert attack("SELECT attribution.process_batch(%s)") == set()
    world.do(
        """
        CREATE PROCEDURE public.careless(p_tenant uuid) LANGUAGE plpgsql AS $$
        DECLARE
            v_events uuid[] := ARRAY(
                SELECT e FROM attribution.work_queue AS q, unnest(q.event_ids) AS e
                WHERE q.tenant_id = p_tenant
            );
        BEGIN
            DELETE FROM attribution.work_queue WHERE tenant_id = p_tenant;
            COMMIT;
            PERFORM attribution.process_conversions(
                p_tenant, attribution.conversions_affected_by(p_tenant, v_events)
            );
        END
        $$
        """
    )
    assert attack("CALL public.careless(%s)") == {uid(1)}
