"""G1 at the edges: the smallest and the largest sales, over one touch and a thousand, taken back in parts."""

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import engine
import pytest
from engine import Connection, at, purchase, touch
from psycopg.types.json import Jsonb
from servers import Database

LARGE = 9_007_199_254_740_993  # the first whole number that a double cannot hold
RATES = {"USD": "1", "EUR": "1.084321", "JPY": "0.0067", "KWD": "3.2504"}
DECIMALS = {"USD": 2, "EUR": 2, "JPY": 0, "KWD": 3}
SALES = (
    (1, "USD"), (1, "JPY"), (1, "KWD"), (1000, "KWD"), (101, "EUR"), (LARGE, "USD"), (LARGE, "EUR"),
)  # fmt: skip


def parts(cents: int, count: int) -> list[int]:
    """An amount in parts of very different sizes."""
    found = []
    for _ in range(count - 1):
        if cents > 1:
            found.append(max(cents // 3, 1))
            cents -= found[-1]
    return [*found, cents]


def dollars(cents: int, currency: str) -> int:
    """US cents, halves up."""
    exact = Decimal(cents) * Decimal(RATES[currency]) * 100 / 10 ** DECIMALS[currency]
    return int(exact.quantize(Decimal(1), ROUND_HALF_UP))


def shares(conn: Connection, tenant: str, transaction: str) -> list[tuple[Any, ...]]:
    """What is left of each allocation, in minor units and in US cents."""
    query = """
        SELECT sum(amount_cents)::bigint, sum(amount_usd_cents)::bigint FROM attribution.revenue_ledger
        WHERE tenant_id = %s AND transaction_id = %s GROUP BY allocation_id
        """
    return engine.rows(conn, query, tenant, transaction)


@pytest.mark.parametrize("touches", [1, 2, 3, 7, 1000])
def test_a_sale_is_exact_until_nothing_is_left(db: Database, touches: int) -> None:
    """Sold, taken back in one, two and seven parts: right after each, and in the end each line is at zero."""
    with db.connect(autocommit=True) as conn:
        rates = [
            {"currency": currency, "date": "2026-02-01", "rate": rate}
            for currency, rate in RATES.items()
            if currency != "USD"
        ]
        engine.rows(conn, "SELECT * FROM attribution.import_fx_rates(%s, 'test')", Jsonb(rates))
        tenant = engine.new_tenant(conn)
        engine.use(conn, tenant)
        clicks = [touch(n, at(minutes=n), campaign_id=f"c{n}") for n in range(1, touches + 1)]
        engine.send(conn, *clicks)
        number = 10_000
        for cents, currency in SALES:
            for count in (1, 2, 7) if touches < 1000 else (7,):
                number += 100
                name = f"sale-{number}"
                engine.send(conn, purchase(number, at(days=1), cents, currency=currency))
                left = cents
                for i, part in enumerate([0, *parts(cents, count)]):
                    if part:
                        back = purchase(number + i, at(days=2), part, event_type="refund", currency=currency)
                        engine.send(conn, back | {"transaction_id": name})
                    left -= part
                    held = shares(conn, tenant, name)
                    assert sum(amount for amount, _ in held) == left
                    assert sum(usd for _, usd in held) == dollars(left, currency)
                    assert all(amount >= 0 and usd >= 0 for amount, usd in held)
                assert set(held) == {(0, 0)}
        engine.drain(conn)
        assert engine.breaches(conn, tenant) == []
        query = "SELECT DISTINCT ledger_cents, difference_cents FROM attribution.trial_balance"
        assert engine.rows(conn, query) == [(0, 0)]
        assert engine.rows(conn, "SELECT changed FROM attribution.rebuild(%s)", tenant) == [(0,)]
