"""Reconciliation against an oracle: whatever was sold and reported, each sale is found as Python finds it."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import count
from typing import Any

import psycopg
import pytest
from attacks import World
from engine import Connection, Rows, at, drain, new_tenant, one, purchase, rows, send, uid, use
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg.types.json import Jsonb
from servers import Database

DIGITS = {"USD": 2, "JPY": 0, "KWD": 3}
DAYS = 4


@dataclass(frozen=True)
class Sale:
    """A sale of `cents` at an hour, `refunds` of it at later hours, and what is `reported` of each movement.

    Reported is the difference in minor units, or None for nothing.
    """

    transaction: int
    currency: str
    hour: int
    cents: int
    refunds: tuple[tuple[int, int], ...]
    reported: tuple[int | None, ...]

    def movements(self) -> Iterator[tuple[int, int]]:
        """Hour and signed minor units."""
        yield self.hour, self.cents
        yield from ((hour, -cents) for hour, cents in self.refunds)


@st.composite
def sales(draw: st.DrawFn) -> list[Sale]:
    hours = st.integers(0, DAYS * 24 - 1)
    made = []
    for number in range(draw(st.integers(1, 5))):
        cents = draw(st.sampled_from([0, 1, 2, 99, 1000, 9_007_199_254_740_993]))
        parts = [draw(st.integers(1, cents)) for _ in range(draw(st.integers(0, 2))) if cents]
        if sum(parts) > cents:
            parts = [cents]
        hour = draw(hours)
        refunds = tuple((draw(st.integers(hour, DAYS * 24 - 1)), part) for part in parts)
        reported = tuple(draw(st.sampled_from([0, 0, 0, 1, None])) for _ in range(1 + len(parts)))
        currency = draw(st.sampled_from(list(DIGITS)))
        made.append(Sale(number, currency, hour, cents, refunds, reported))
    return made


periods = st.sampled_from([(None, None), (0, 3), (1, 2), (2, 2), (None, 1), (1, None)])
Period = tuple[int | None, int | None]


def expected(made: list[Sale], period: Period, dated: bool, partial: bool) -> Rows:
    """What reconciliation must find, worked out from the facts."""
    stated = [
        (sale, hour, cents + change)
        for sale in made
        for (hour, cents), change in zip(sale.movements(), sale.reported, strict=True)
        if change is not None
    ]
    first, last = period
    if period == (None, None) and dated and stated:
        first, last = min(h for _, h, _ in stated) // 24, max(h for _, h, _ in stated) // 24

    def within(hour: int) -> bool:
        return (first is None or hour // 24 >= first) and (last is None or hour // 24 <= last)

    booked: dict[tuple[str, str], int] = defaultdict(int)
    for sale in made:
        for hour, cents in sale.movements():
            if cents and within(hour):
                booked[f"sale-{sale.transaction}", sale.currency] += cents
    told: dict[tuple[str, str], list[int]] = defaultdict(list)
    for sale, hour, cents in stated:
        if not dated or within(hour):
            told[f"sale-{sale.transaction}", sale.currency].append(cents)
    found: Rows = []
    for key in sorted({*booked, *told}):
        ours, theirs = booked.get(key), sum(told[key]) if key in told else None
        if theirs is None:
            if not partial and (first, last) != (None, None):
                found.append((*key, "missing_in_report", None, ours))
        elif ours is None:
            if any(told[key]):
                found.append((*key, "missing_in_ledger", theirs, None))
        else:
            found.append((*key, "matched" if ours == theirs else "amount_mismatch", theirs, ours))
    return found


def statement(made: list[Sale], dated: bool) -> list[dict[str, Any]]:
    stated = []
    for sale in made:
        for (hour, cents), change in zip(sale.movements(), sale.reported, strict=True):
            if change is not None:
                amount = Decimal(cents + change).scaleb(-DIGITS[sale.currency])
                row = {
                    "transaction_id": f"sale-{sale.transaction}",
                    "currency": sale.currency,
                    "amount": f"{amount:f}",
                }
                stated.append(
                    row | {"key": str(len(stated))} | ({"date": time(hour).isoformat(" ")} if dated else {})
                )
    return stated


def time(hour: int) -> datetime:
    return at(hours=hour)


def facts(made: list[Sale]) -> Iterator[dict[str, Any]]:
    numbers = count(1)
    for sale in made:
        name = f"sale-{sale.transaction}"
        yield purchase(
            next(numbers), time(sale.hour), sale.cents, transaction_id=name, currency=sale.currency,
            idempotency_key=name,
        )  # fmt: skip
        for hour, cents in sale.refunds:
            number = next(numbers)
            yield purchase(
                number, time(hour), cents, transaction_id=name, currency=sale.currency, event_type="refund",
                idempotency_key=f"refund-{number}", id=uid(number),
            )  # fmt: skip


def reconcile(conn: Connection, made: list[Sale], period: Period, dated: bool, partial: bool) -> Rows | None:
    """What SQL finds; None where it finds nothing to compare."""
    tenant = new_tenant(conn)
    use(conn, tenant)
    send(conn, *facts(made))
    drain(conn)
    rows_ = statement(made, dated)
    if not rows_ and period == (None, None):
        return None
    first, last = (None if day is None else at(days=day).date() for day in period)
    opening = "SELECT attribution.open_reconciliation(%s, 'bank', 'processor', NULL, %s, %s)"
    run = one(conn, opening, tenant, first, last)
    conn.execute("SELECT attribution.start_reconciliation(%s, %s)", [tenant, run])
    conn.execute("SELECT attribution.report_revenue(%s, %s, %s)", [tenant, run, Jsonb(rows_)])
    query = """
        SELECT state, matched, amount_mismatch + missing_in_ledger + missing_in_report
        FROM attribution.compare_revenue(%s, %s, %s)
        """
    [(state, matched, differences)] = rows(conn, query, tenant, run, partial)
    found = rows(
        conn,
        """
        SELECT transaction_id, currency, status, reported_cents, ledger_cents
        FROM attribution.revenue_verifications WHERE tenant_id = %s AND run_id = %s
        ORDER BY transaction_id, currency
        """,
        tenant, run,
    )  # fmt: skip
    assert matched == sum(row[2] == "matched" for row in found)
    assert differences == len(found) - matched
    assert state == ("failed" if differences else "completed")
    assert revenue(conn, tenant) == verified(made, found)
    return found


def revenue(conn: Connection, tenant: str) -> Rows:
    query = """
        SELECT currency, total_cents, verified_cents, unverified_cents FROM attribution.realtime_revenue
        WHERE tenant_id = %s ORDER BY currency
        """
    return rows(conn, query, tenant)


def verified(made: list[Sale], found: Rows) -> Rows:
    """What realtime_revenue must say after one run: what matched is verified."""
    totals = {sale.currency: 0 for sale in made if sale.cents}
    matched = dict.fromkeys(totals, 0)
    for sale in made:
        if sale.cents:
            totals[sale.currency] += sum(cents for _, cents in sale.movements())
    for _, currency, status, _, cents in found:
        if status == "matched":
            matched[currency] += cents
    return [(name, totals[name], matched[name], totals[name] - matched[name]) for name in sorted(totals)]


def same(conn: Connection, made: list[Sale], period: Period, dated: bool, partial: bool) -> bool:
    found = reconcile(conn, made, period, dated, partial)
    return found is None or found == expected(made, period, dated, partial)


def test_every_transaction_is_found_as_it_is(db: Database) -> None:
    with db.connect(autocommit=True) as conn:

        @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
        @given(sales(), periods, st.booleans(), st.booleans())
        def check(made: list[Sale], period: Period, dated: bool, partial: bool) -> None:
            found = reconcile(conn, made, period, dated, partial)
            if found is not None:
                assert found == expected(made, period, dated, partial)

        check()


SCENARIO = [
    Sale(0, "USD", 2, 1000, ((30, 400),), (0, 0)),
    Sale(1, "JPY", 3, 99, (), (1,)),
    Sale(2, "KWD", 40, 2, ((41, 2),), (None, None)),
    Sale(3, "USD", 50, 99, (), (None,)),
    Sale(4, "USD", 5, 0, (), (0,)),
]
MUTATIONS = {
    "the period's end": ("l.occurred_at < b.finish", "true"),
    "the period's beginning": ("l.occurred_at >= b.start", "true"),
    "rows outside the period": (
        "coalesce(r.occurred_at >= b.start AND r.occurred_at < b.finish, true)",
        "true",
    ),
    "amounts": ("l.cents = r.cents", "abs(l.cents - r.cents) < 2"),
    "what the report lacks": ("WHEN r.cents IS NULL THEN b.is_whole", "WHEN r.cents IS NULL THEN false"),
    "rows of nothing": ("ELSE r.is_moved OR l.cents IS NOT NULL", "ELSE true"),
    "the last day": ("(max(r.at)::date + 1)", "(max(r.at)::date)"),
}


@pytest.mark.servers("one")
@pytest.mark.parametrize("mutation", MUTATIONS)
def test_the_oracle_notices(db: Database, mutation: str) -> None:
    scenarios = [(SCENARIO, period, True, False) for period in [(None, None), (0, 0), (1, 1)]]
    with db.connect(autocommit=True) as conn:
        assert all(same(conn, *scenario) for scenario in scenarios)
        World(db, conn, lambda: conn, "", "").rewrite("compare_revenue", *MUTATIONS[mutation])
        assert not all(unbroken(conn, *scenario) for scenario in scenarios)


def unbroken(conn: Connection, *scenario: Any) -> bool:
    try:
        return same(conn, *scenario)
    except (AssertionError, psycopg.errors.CheckViolation):
        return False
