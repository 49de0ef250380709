"""The tests of the ledger can fail: with a guarantee broken, one small history already says so.

The history has every kind of step of test_ledger_properties.py, whose checks are used: they pass on it, and
with any of these changes to the engine they don't.
"""

from collections.abc import Callable
from fractions import Fraction

import attacks
import engine
import pytest
from engine import Connection, at
from ledger_oracle import Books, Fact, Share
from servers import Database
from test_ledger_properties import BOOK, Arrival, Division, Import, Shop, Step

EUR = {"transaction": "s", "currency": "EUR"}


def fact(number: int, type_: str, when: float, **columns: object) -> Fact:
    return Fact(engine.uid(number), type_, engine.uid(1), at(hours=when), **columns)  # type: ignore[arg-type]


HISTORY: list[Step] = [
    Arrival(
        (
            (
                fact(1, "click", 1, channel="email"),
                fact(2, "click", 2, channel="organic"),
                fact(3, "purchase", 9, cents=1001, **EUR),
            ),
        )
    ),
    Arrival(((fact(4, "refund", 20, cents=334, **EUR),),)),
    Import((("EUR", 0, "1.0843"), ("EUR", 30, "1.5")), False),
    Arrival(((fact(5, "refund", 20, cents=333, **EUR), fact(6, "refund", 20, cents=900, **EUR)),)),
    Arrival(((fact(7, "click", 3, channel="direct"),),)),
    Import((("EUR", 0, "1.0943"),), True),
    Arrival(((fact(8, "dispute_opened", 10, **EUR),),)),
    Arrival(((fact(9, "dispute_won", 11, **EUR),),)),
    Division("s", (Share("email", Fraction(30)), Share("direct", Fraction(70)))),
    Arrival(((fact(10, "click", 4, channel="direct"),),)),
    Arrival(((fact(11, "refund", 30, cents=334, **EUR),),)),
    Division("s", ()),
    Arrival(
        (
            (
                fact(12, "purchase", 40, cents=999, transaction="t", currency="EUR"),
                fact(13, "refund", 41, cents=200, transaction="t", currency="EUR"),
                fact(14, "purchase", 42, cents=999, transaction="u", currency="EUR"),
            ),
        )
    ),
    Arrival(((fact(15, "click", 5, channel="sms"),),)),
]
MUTATIONS = {
    "refunds are divided equally": (
        "refund_steps", "divide_cents(s.cents, h.left_after::numeric[])",
        "divide_cents(s.cents, array_fill(1::numeric, ARRAY[cardinality(h.left_after)]))",
    ),
    "refunds of the original amounts": (
        "refund_steps", "unnest(h.left_after, attribution.divide_cents(s.cents, h.left_after::numeric[]))",
        "unnest(h.left_after, attribution.divide_cents(s.cents, (SELECT i.cents FROM sales AS i"
        " WHERE i.transaction_id = h.transaction_id AND i.currency = h.currency)::numeric[]))",
    ),
    "more than is left is taken back": (
        "refund_steps", "s.cents > l.cents THEN 'RA007'", "false THEN 'RA007'",
    ),
    "any state may follow any": ("refund_steps", ") THEN 'RA006'", ") AND false THEN 'RA006'"),
    "disputes in the order of their ids": (
        "refund_steps", "b.occurred_at, b.event_kind = 'refund', b.id", "b.id",
    ),
    "sales at a later day's rate": (
        "usd_rate", "AND f.rate_date <= (p_at AT TIME ZONE 'UTC')::date\n", "\n",
    ),
    "dollars are divided line by line": (
        "ledger_changes", "                ) AS helds\n",
        "                ) AS helds_of_all, array_agg(attribution.to_usd_cents(r.held, c.minor_unit, b.rate)"
        " ORDER BY b.place = 0, b.place) AS helds\n",
    ),
    "a sale is new for ever": (
        "attribute_conversions", "WHERE a.tenant_id = p_tenant AND a.event_id = x.id\n", "WHERE false\n",
    ),
    "no dollars come later": ("ledger_changes", "WHERE c.is_posted OR c.dollars <> 0", "WHERE c.is_posted"),
    "refunds are not divided anew": (
        "ledger_changes", "p.amount_cents IS DISTINCT FROM d.amount_cents AS is_reversed",
        "p.amount_cents IS DISTINCT FROM d.amount_cents"
        " AND p.event_id = ANY (SELECT b.event_id FROM booked AS b) AS is_reversed",
    ),
    "overrides are not looked at": (
        "due_allocations", "LIMIT 1\n        ) AS o ON true", "LIMIT 0\n        ) AS o ON true",
    ),
    "states are not told again": (
        "settle_refunds", "coalesce(h.moves <> w.moves[:cardinality(h.moves)], false) AS is_restated",
        "false AS is_restated",
    ),
    "verdicts are for ever": (
        "settle_refunds", "AND (p.last_error IS DISTINCT FROM v.error OR", "AND (false OR",
    ),
}  # fmt: skip


def run(admin: Connection, app: Connection) -> None:
    """The history in a new shop, checked after every step."""
    admin.execute("DELETE FROM attribution.fx_rates")
    shop = Shop(engine.new_tenant(admin), Books([BOOK]), [admin], [app])
    for step in HISTORY:
        shop.take(step)
        shop.check()


def test_the_history_is_right(db: Database, login: Callable[..., Connection]) -> None:
    with db.connect(autocommit=True) as admin:
        run(admin, login("attribution_app"))


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_broken_ledger_is_noticed(db: Database, login: Callable[..., Connection], name: str) -> None:
    with db.connect(autocommit=True) as admin:
        attacks.World(db, admin, login, "", "").rewrite(*MUTATIONS[name])
        with pytest.raises(AssertionError):
            run(admin, login("attribution_app"))
