"""Sealing stands outside of posting: neither waits for the other, and nothing is sealed twice or left out."""

from collections.abc import Callable, Iterator
from functools import partial

import attacks
import psycopg
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
    queued,
    rows,
    send,
    together,
    touch,
    use,
    wait_until_blocked,
)
from servers import Database

CLIENTS = 8
UNSEALED = """
    SELECT count(*) FROM attribution.ledger_batches AS b
    WHERE b.tenant_id = %s AND NOT EXISTS (
        SELECT FROM attribution.ledger_seals AS s WHERE (s.tenant_id, s.batch_id) = (b.tenant_id, b.id)
    )
    """
SEAL = "SELECT attribution.seal_ledger(%s)"


@pytest.fixture
def world(db: Database, login: attacks.Login) -> Iterator[World]:
    with db.connect(autocommit=True) as admin:
        yield World(db, admin, login, "", "")


def shop_of(world: World) -> str:
    """A shop with a posted sale."""
    shop = new_tenant(world.admin)
    use(world.admin, shop)
    send(world.admin, touch(1, at()), purchase(2, at(hours=1), 1001))
    return shop


def client(world: World, shop: str) -> Connection:
    """An app that does not wait for a lock for longer than a moment."""
    conn = world.login(tenant=shop)
    conn.execute("SET lock_timeout = '1s'")
    return conn


def trade(conn: Connection, number: int) -> None:
    """A sale with its touch, and a refund of a part of it: posted within their INSERTs."""
    send(conn, touch(number, at(), session=number), purchase(number + 1, at(hours=1), 1000, session=number))
    refund = purchase(number + 2, at(days=1), 300, session=number, event_type="refund")
    send(conn, refund | {"transaction_id": f"sale-{number + 1}"})


def test_no_posting_waits_for_the_sealer(world: World) -> None:
    shop = shop_of(world)
    clients = [client(world, shop) for _ in range(CLIENTS)]

    def post(start: int) -> None:
        together([partial(trade, conn, start + 10 * i) for i, conn in enumerate(clients)])

    with world.db.connect() as sealer, world.db.connect(autocommit=True) as runner:
        assert one(sealer, SEAL, shop) == 1
        post(100)  # the sealer's transaction is open
        runner.execute("SET lock_timeout = '1s'")
        while one(runner, "SELECT attribution.process_batch(%s)", shop):
            pass
        held = "SELECT sum(amount_cents)::bigint FROM attribution.revenue_ledger WHERE tenant_id = %s"
        assert one(world.admin, held, shop) == 1001 + CLIENTS * 700
        assert queued(world.admin, shop) == 0
        sealer.commit()
    assert one(world.admin, SEAL, shop) == 2 * CLIENTS
    assert one(world.admin, UNSEALED, shop) == 0
    assert breaches(world.admin, shop) == []

    # The mutation check: a sealer that locks the tenant's row for good.
    world.rewrite("seal_batches", "FOR NO KEY UPDATE", "FOR UPDATE")
    with world.db.connect() as sealer:
        one(sealer, SEAL, shop)
        with pytest.raises(psycopg.errors.LockNotAvailable):
            trade(clients[0], 1000)


def test_the_sealer_waits_for_no_posting(world: World) -> None:
    """What commits late is sealed late."""
    shop = shop_of(world)
    poster = client(world, shop)
    with poster.transaction():
        trade(poster, 100)
        assert one(world.admin, SEAL, shop) == 1
    assert one(world.admin, UNSEALED, shop) == 2
    drain(world.admin)
    assert one(world.admin, UNSEALED, shop) == 0
    assert breaches(world.admin, shop) == []


def test_sealers_stand_in_line(world: World) -> None:
    """Two at once make one chain."""
    shop = shop_of(world)
    with world.db.connect() as first, world.db.connect(autocommit=True) as second:
        assert one(first, SEAL, shop) == 1
        with in_background(partial(one, second, SEAL, shop)) as done:
            wait_until_blocked(world.admin, second.info.backend_pid)
            first.commit()
        assert done.result() == 0
    query = "SELECT seq FROM attribution.ledger_seals WHERE tenant_id = %s"
    assert rows(world.admin, query, shop) == [(1,)]


def test_many_sealers_and_clients_make_one_chain(world: World) -> None:
    shop = shop_of(world)
    clients = [client(world, shop) for _ in range(CLIENTS)]
    works: list[Callable[[], object]] = [partial(trade, conn, 100 + 10 * i) for i, conn in enumerate(clients)]
    with world.db.connect(autocommit=True) as one_sealer, world.db.connect(autocommit=True) as other:
        together(works + [partial(one, conn, SEAL, shop) for conn in (one_sealer, other)])
    drain(world.admin)
    assert one(world.admin, UNSEALED, shop) == 0
    assert breaches(world.admin, shop) == []
