"""ATTACKS.md 27: two refunds at once, and a refund that comes while its sale is being posted."""

from collections.abc import Iterator
from typing import Any

import attacks
import pytest
from attacks import World
from engine import (
    Connection,
    at,
    breaches,
    drain,
    in_background,
    new_tenant,
    one,
    purchase,
    rows,
    send,
    together,
    touch,
    uid,
    use,
    wait_until_blocked,
)
from servers import Database

SALE = 9

NET = "SELECT sum(amount_cents)::bigint FROM attribution.revenue_ledger WHERE tenant_id = %s"
VERDICTS = """
    SELECT p.processing_status, left(p.last_error, 5)
    FROM attribution.event_processing AS p
    JOIN attribution.attribution_events AS e ON (e.tenant_id, e.id) = (p.tenant_id, p.event_id)
    WHERE e.tenant_id = %s AND e.event_kind = 'refund'
    ORDER BY e.id
    """


@pytest.fixture
def world(db: Database, login: attacks.Login) -> Iterator[World]:
    """Without rows: each attack makes a shop of its own."""
    with db.connect(autocommit=True) as admin:
        yield World(db, admin, login, "", "")


def patient(conn: Connection) -> Connection:
    """A connection that cannot hang a test."""
    conn.execute("SET statement_timeout = '60s'")
    return conn


def refund(number: int, cents: int, **columns: Any) -> dict[str, Any]:
    """A refund of the sale."""
    return purchase(number, at(days=2), cents, event_type="refund", transaction_id=f"sale-{SALE}") | columns


def test_27_two_refunds_at_once_do_not_exceed_the_sale(world: World) -> None:
    first, second, runner = patient(world.login()), patient(world.login()), world.db.connect(autocommit=True)

    def attack() -> tuple[str, int]:
        """What is left of 1000 when two refunds of 600 have come in at the same time."""
        shop = new_tenant(world.admin)
        for conn in (first, second):
            use(conn, shop)
        send(first, touch(1, at()), purchase(SALE, at(hours=3), 1000))
        with first.transaction():
            send(first, refund(11, 600))
            send(second, refund(12, 600))
        return shop, one(world.admin, NET, shop)

    with runner:
        shop, left = attack()
        assert left == 400
        together([lambda: drain(world.admin), lambda: drain(runner)])
    assert one(world.admin, NET, shop) == 400
    assert rows(world.admin, VERDICTS, shop) == [("processed", None), ("failed", "RA007")]
    assert [row[:2] for row in breaches(world.admin, shop)] == [("over_refund", f"event {uid(12)}")]

    # Without the lock, the number of the state's transition would still refuse the second.
    world.rewrite("attribute_conversions", "                    FOR UPDATE SKIP LOCKED\n", "")
    world.do(
        "ALTER TABLE attribution.revenue_state_transitions"
        " DROP CONSTRAINT revenue_state_transitions_tenant_id_transaction_id_currency_key"
    )
    assert attack()[1] == -200


def test_27_a_refund_that_comes_while_its_sale_is_posted(world: World) -> None:
    """Posting and settling are two statements: what comes between them must not be seen by one alone."""
    seller, other = patient(world.login()), patient(world.login())
    world.do(
        "CREATE TABLE public.gate AS SELECT 1 AS one",
        "GRANT SELECT, UPDATE ON public.gate TO attribution_engine",
    )
    settle = "        PERFORM attribution.settle_refunds(p_tenant, v_known);"
    world.rewrite(
        "attribute_conversions",
        settle,
        "    PERFORM FROM public.gate WHERE v_events <> '{}' FOR UPDATE;\n" + settle,
    )

    def attack() -> set[tuple[str, str]]:
        shop = new_tenant(world.admin)
        for conn in (seller, other):
            use(conn, shop)
        send(seller, touch(1, at()))
        send(seller, purchase(SALE, at(hours=3), 1000))
        with world.db.connect() as holder:
            holder.execute("SELECT FROM public.gate FOR UPDATE")
            with in_background(
                lambda: send(seller, purchase(8, at(hours=4), 50, transaction_id=f"sale-{SALE}"))
            ):
                wait_until_blocked(world.admin, seller.info.backend_pid)
                send(other, refund(11, 600))
                holder.rollback()
        found = {(row[0], row[1]) for row in breaches(world.admin, shop)}
        drain(world.admin)
        assert one(world.admin, NET, shop) == 450
        return found

    assert attack() == set()
    world.rewrite(
        "attribute_conversions",
        settle,
        settle.replace("v_known", "attribution.transaction_events(p_tenant, v_known)"),
    )
    assert attack() == {("ledger_drift", f"transaction sale-{SALE}")}
