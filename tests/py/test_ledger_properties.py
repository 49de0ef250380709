"""G1, G3, G5, G10 of the whole ledger: whatever happens, in whatever order, the books are always right.

Each example is a history: sales in four currencies, refunds, chargebacks and disputes (sensible or not), late
touches, changes of rules, divisions by hand, exchange rates that are missing, come late and are corrected.
Facts arrive in any order, some at once from several connections while several runners work. After every step
the ledger must hold what the oracle says, in currency and in US dollars; verify() must find the refused
refunds and nothing else; and a rebuild must change nothing. At the end a second tenant is told the same facts
in canonical order, and must hold the same.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from fractions import Fraction
from functools import partial
from typing import Any

import engine
import psycopg
import pytest
from engine import Connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ledger_oracle import TAKEN_BACK, Books, Fact, Share
from oracle import Rule
from psycopg.types.json import Jsonb
from servers import Database

EXAMPLES = settings(
    max_examples=200,  # on each server: more than 500 in all
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
CHANNELS = ("direct", "google_search_paid", "email", "organic")
CURRENCIES = ("USD", "EUR", "JPY", "KWD")
RATES = ("1", "1.0843", "0.0067", "3.2504", "0.004999", "149.123456789")
BOOK = Rule("position_based_30d", "position_based", timedelta(days=30), book_rank=100)
REFUSALS = ("over_refund", "illegal_state", "currency_mismatch")
CLERK, REASON = "clerk", "they called"

# Few times: ties, and refunds before their sale, are common.
hours = st.sampled_from([0, 12, 24, 36, 168, 180, 204, 720, 732, 888])
cents = st.one_of(st.sampled_from([0, 1, 2, 3, 7, 99, 100, 1001]), st.integers(0, 10**15))
thirds = ("33.3333333333", "33.3333333333", "33.3333333334")
percents = st.sampled_from([("100",), ("50", "50"), thirds, ("0.5", "99.5")])


@dataclass(frozen=True)
class Arrival:
    """Facts that arrive: one statement each, and more than one of them at once."""

    batches: tuple[tuple[Fact, ...], ...]


@dataclass(frozen=True)
class Import:
    """Rates that become known; `correct` lets them replace others."""

    rates: tuple[tuple[str, int, str], ...]  # currency, days after the epoch, rate
    correct: bool


@dataclass(frozen=True)
class Division:
    """An override of a transaction; without shares, its lifting."""

    transaction: str
    shares: tuple[Share, ...]


@dataclass(frozen=True)
class Ruling:
    """Another book rule; None: it is retired, and the first one is the book again."""

    rule: Rule | None


Step = Arrival | Import | Division | Ruling


@st.composite
def facts(draw: st.DrawFn) -> list[Fact]:
    """Sales of a few transactions, touches before and after them, and what is taken back."""
    count = draw(st.integers(1, 4)), draw(st.integers(0, 5)), draw(st.integers(0, 7))
    numbers = iter(draw(st.permutations(range(1, sum(count) + 1))))  # ties in time are ordered by id
    sales = [draw(sale(next(numbers))) for _ in range(count[0])]
    touches = [
        Fact(engine.uid(next(numbers)), "click", session(draw), engine.at(hours=draw(hours)),
             draw(st.sampled_from(CHANNELS)), draw(st.sampled_from([None, "spring"])))
        for _ in range(count[1])
    ]  # fmt: skip
    return sales + touches + [draw(taken_back(next(numbers), sales)) for _ in range(count[2])]


def session(draw: st.DrawFn) -> str:
    return engine.uid(draw(st.sampled_from([1, 1, 2])))


@st.composite
def sale(draw: st.DrawFn, number: int) -> Fact:
    return Fact(engine.uid(number), "purchase", session(draw), engine.at(hours=draw(hours)),
                transaction=draw(st.sampled_from([f"sale-{number}", "shared", "shared", None])),
                cents=draw(cents), currency=draw(st.sampled_from(CURRENCIES)))  # fmt: skip


@st.composite
def taken_back(draw: st.DrawFn, number: int, sales: Sequence[Fact]) -> Fact:
    """A refund, chargeback or dispute of a part, the whole, too much; in another currency, or of no sale."""
    kind = draw(st.sampled_from(["refund"] * 6 + list(TAKEN_BACK[1:])))
    of = draw(st.sampled_from(sales))
    whole = int(of.cents or 0)
    half = whole // 2
    amount = draw(st.sampled_from([1, whole // 3, half, half, whole - half, whole, whole + 1]))
    currency = draw(st.sampled_from([of.currency] * 9 + ["EUR"]))
    name = draw(st.sampled_from([of.transaction or of.id] * 9 + ["never"]))
    fact = Fact(engine.uid(number), kind, session(draw), engine.at(hours=draw(hours)),
                transaction=name, cents=max(amount, 1), currency=currency)  # fmt: skip
    if kind.startswith("dispute") and draw(st.booleans()):
        return replace(fact, cents=None, currency=None)  # it is about the transaction, in whatever currency
    return fact


@st.composite
def histories(draw: st.DrawFn) -> tuple[str, list[Step]]:
    """A mode, and steps: every fact arrives at least once, and between arrivals something else happens."""
    known = draw(facts())
    left = draw(st.permutations([*known, *draw(st.lists(st.sampled_from(known), max_size=2))]))
    names = sorted({fact.transaction or fact.id for fact in known if fact.type == "purchase"})
    steps: list[Step] = []
    while left:
        batches = []
        for _ in range(draw(st.sampled_from([1, 1, 2, 3]))):
            size = draw(st.integers(1, 4))
            batch, left = left[:size], left[size:]
            batches.append(tuple(batch))
        steps.append(Arrival(tuple(filter(None, batches))))
        deeds = st.one_of(imports, divisions(names), rulings)
        steps += draw(st.one_of(st.just([]), st.lists(deeds, min_size=1, max_size=3)))
    return draw(st.sampled_from(["sync", "sync", "deferred"])), steps


@st.composite
def divisions(draw: st.DrawFn, names: Sequence[str]) -> Division:
    parts = draw(st.one_of(st.just(()), percents))
    channels, campaigns = st.sampled_from(CHANNELS), st.sampled_from([None, "hand"])
    shares = [Share(draw(channels), Fraction(part), draw(campaigns)) for part in parts]
    return Division(draw(st.sampled_from([*names, names[0], "never"])), tuple(shares))


imports = st.builds(
    Import,
    st.lists(
        st.tuples(
            st.sampled_from(CURRENCIES[1:]), st.sampled_from([-1, 0, 1, 7, 8, 30]), st.sampled_from(RATES)
        ),
        min_size=1, max_size=4, unique_by=lambda rate: rate[:2],
    ).map(tuple),
    st.booleans(),
)  # fmt: skip
rulings = st.builds(
    Ruling,
    st.one_of(st.none(), st.builds(
        lambda model, lookback: Rule("another book", model, timedelta(hours=lookback), book_rank=10),
        st.sampled_from(["linear", "last_touch", "position_based"]), st.sampled_from([0, 36, 24 * 30]),
    )),
)  # fmt: skip


@dataclass
class Shop:
    """A tenant, what it should hold, and the connections of its operators and of its apps."""

    tenant: str
    books: Books
    admins: Sequence[Connection]
    apps: Sequence[Connection]

    @property
    def admin(self) -> Connection:
        return self.admins[0]

    def take(self, step: Step) -> None:
        """Do a step, in the database and in the books."""
        match step:
            case Arrival(batches):
                self.arrive(batches)
            case Import(rates, correct):
                self.bring(rates, correct)
            case Division(transaction, shares):
                self.divide(transaction, shares)
            case Ruling(rule):
                self.rule(rule)

    def arrive(self, batches: Sequence[Sequence[Fact]]) -> None:
        """Send each batch with one statement, all at once; beside more than one, runners are at work."""
        apps = self.apps[: len(batches)]
        for app in apps:
            engine.use(app, self.tenant)
        works: list[Callable[[], Any]] = [
            partial(engine.send, app, *map(event, batch)) for app, batch in zip(apps, batches, strict=True)
        ]
        if len(batches) > 1:
            works += [partial(engine.drain, admin) for admin in self.admins[:2]]
        engine.together(works)
        self.books.facts |= {fact.id: fact for batch in batches for fact in batch}

    def bring(self, rates: Sequence[tuple[str, int, str]], correct: bool) -> None:
        days = [((currency, engine.at(days=day).date()), rate) for currency, day, rate in rates]
        given_ = [{"currency": key[0], "date": str(key[1]), "rate": rate} for key, rate in days]
        other = any(self.books.rates.get(key, Fraction(rate)) != Fraction(rate) for key, rate in days)
        query = "SELECT * FROM attribution.import_fx_rates(%s, 'test', %s)"
        if refused(self.admin, query, Jsonb(given_), correct) != ("RA008" if other and not correct else None):
            raise AssertionError(f"wrongly taken or refused: {given_}")
        if correct or not other:
            self.books.rates |= {key: Fraction(rate) for key, rate in days}

    def divide(self, transaction: str, shares: Sequence[Share]) -> None:
        """Override or lift; refused where there is nothing to divide, or no division to lift."""
        known = any(transaction == sale[0] for sale in self.books.sales())
        if shares:
            query = "SELECT attribution.override_allocation(%s, %s, %s, %s, %s)"
            parts = [
                {"channel": share.channel, "percent": float(share.percent), "campaign_id": share.campaign}
                for share in shares
            ]
            answer = refused(self.admin, query, self.tenant, transaction, Jsonb(parts), CLERK, REASON)
            assert answer == (None if known else "RA004")
        else:
            query = "SELECT attribution.lift_override(%s, %s, %s, %s)"
            answer = refused(self.admin, query, self.tenant, transaction, CLERK, REASON)
            assert answer == (None if self.books.overrides.get(transaction) else "RA004")
        if known:
            self.books.overrides[transaction] = shares

    def rule(self, rule: Rule | None) -> None:
        """Activate a rule or retire it; history is restated only by a rebuild."""
        if rule:
            config = {"lookback": f"{rule.lookback // timedelta(hours=1)} hours"}
            made = {"name": rule.name, "model_type": rule.model, "config": config}
            made |= {"is_book": True, "priority": rule.book_rank}
            engine.rows(self.admin, "SELECT * FROM attribution.apply_rule(%s, %s)", self.tenant, Jsonb(made))
        elif len(self.books.rules) > 1:
            query = "SELECT attribution.set_rule_status(%s, 'another book', NULL, 'retired')"
            engine.rows(self.admin, query, self.tenant)
        self.books.rules = [BOOK, rule] if rule else [BOOK]
        engine.rows(self.admin, "SELECT * FROM attribution.rebuild(%s)", self.tenant)

    def check(self) -> None:
        """The ledger is right before the queue is run, complete after it, and a rebuild changes nothing."""
        self.assert_sums(self.breaches())
        engine.together(partial(engine.drain, admin) for admin in self.admins)
        self.assert_exact()
        before = engine.volumes(self.admin, self.tenant)
        conversions = sum(fact.type == "purchase" for fact in self.books.facts.values())
        again = engine.rows(self.admin, "SELECT * FROM attribution.rebuild(%s)", self.tenant)
        assert again == [(conversions, 0)]
        assert engine.volumes(self.admin, self.tenant) == before

    def breaches(self) -> engine.Rows:
        """What verify() finds about the tenant; the catalogue, which no step touches, is left out."""
        query = "SELECT check_name, object, detail FROM attribution.verify_tenant(%s)"
        return engine.rows(self.admin, query, self.tenant)

    def assert_sums(self, breaches: engine.Rows) -> None:
        """Whatever is still to be done: the books balance, and no share of a sale is below zero."""
        assert [row for row in breaches if row[0] not in REFUSALS] == []
        query = "SELECT difference_cents FROM attribution.trial_balance WHERE tenant_id = %s"
        assert {row[0] for row in engine.rows(self.admin, query, self.tenant)} <= {0}
        query = """
            SELECT allocation_id FROM attribution.revenue_ledger WHERE tenant_id = %s
            GROUP BY allocation_id HAVING sum(amount_cents) < 0 OR sum(amount_usd_cents) < 0
            """
        assert engine.rows(self.admin, query, self.tenant) == []

    def assert_exact(self) -> None:
        """The ledger holds what the oracle says, and verify() finds the refused refunds and nothing else."""
        breaches, closing = self.breaches(), self.books.close()
        self.assert_sums(breaches)
        assert held(self.admin, self.tenant) == closing.balances()
        assert states(self.admin, self.tenant) == closing.states
        assert {(row[1], row[0]) for row in breaches} == closing.refused()
        query = """
            SELECT p.event_id::text, p.processing_status FROM attribution.event_processing AS p
            JOIN attribution.attribution_events AS e ON (e.tenant_id, e.id) = (p.tenant_id, p.event_id)
            WHERE p.tenant_id = %s AND e.event_kind IN ('refund', 'dispute')
            """
        statuses = {"booked": "processed", "waits": "pending"}
        assert dict(engine.rows(self.admin, query, self.tenant)) == {
            id_: statuses.get(verdict, "failed") for id_, verdict in closing.verdicts.items()
        }
        query = """
            SELECT DISTINCT transaction_id, currency, rate_day
            FROM attribution.unconverted_lines WHERE tenant_id = %s
            """
        assert set(engine.rows(self.admin, query, self.tenant)) == closing.unconverted


def event(fact: Fact) -> dict[str, Any]:
    """A fact as an app sends it."""
    return {"id": fact.id, "event_type": fact.type, "session_id": fact.session, "occurred_at": fact.at,
            "idempotency_key": fact.id, "channel": fact.channel, "campaign_id": fact.campaign,
            "transaction_id": fact.transaction, "conversion_value_cents": fact.cents,
            "currency": fact.currency}  # fmt: skip


def refused(conn: Connection, query: str, *values: Any) -> str | None:
    """The SQLSTATE with which a query is refused; None: it is not."""
    try:
        engine.rows(conn, query, *values)
    except psycopg.Error as error:
        return error.sqlstate
    return None


def held(conn: Connection, tenant: str) -> dict[Any, tuple[int, int]]:
    """Balances by transaction, channel, campaign and currency, in minor units and in US cents; no zeros."""
    query = """
        SELECT
            transaction_id, channel_code, campaign_id, currency, balance_cents, coalesce(balance_usd_cents, 0)
        FROM attribution.ledger_balances WHERE tenant_id = %s
        """
    found = {row[:4]: (int(row[4]), int(row[5])) for row in engine.rows(conn, query, tenant)}
    return {place: amounts for place, amounts in found.items() if any(amounts)}


def states(conn: Connection, tenant: str) -> dict[Any, tuple[str, int, int]]:
    """State, captured and remaining minor units of each transaction and currency."""
    query = """
        SELECT
            e.transaction_id, e.currency,
            coalesce((
                SELECT t.to_state FROM attribution.revenue_state_transitions AS t
                WHERE (t.tenant_id, t.transaction_id, t.currency) = (%s, e.transaction_id, e.currency)
                ORDER BY t.sequence DESC LIMIT 1
            ), 'captured'),
            coalesce(r.captured_cents, 0), coalesce(r.net_cents, 0)
        FROM (
            SELECT DISTINCT tenant_id, coalesce(transaction_id, id::text) AS transaction_id, currency
            FROM attribution.attribution_events WHERE tenant_id = %s AND event_kind = 'conversion'
        ) AS e
        LEFT JOIN attribution.revenue_transactions AS r USING (tenant_id, transaction_id, currency)
        """
    return {row[:2]: (row[2], int(row[3]), int(row[4])) for row in engine.rows(conn, query, tenant, tenant)}


@pytest.fixture
def admins(db: Database) -> Iterator[list[Connection]]:
    conns = [db.connect(autocommit=True) for _ in range(3)]
    yield conns
    for conn in conns:
        conn.close()


@pytest.fixture
def apps(login: Callable[..., Connection]) -> list[Connection]:
    """Apps' connections without a tenant: each example has its own."""
    return [login("attribution_app") for _ in range(3)]


@EXAMPLES
@given(history=histories())
def test_the_books_are_right_after_every_step(
    admins: list[Connection], apps: list[Connection], history: tuple[str, list[Step]]
) -> None:
    mode, steps = history
    # Rates are every tenant's: each example starts without.
    admins[0].execute("DELETE FROM attribution.fx_rates")
    shop = Shop(engine.new_tenant(admins[0], mode), Books([BOOK]), admins, apps)
    for step in steps:
        shop.take(step)
        shop.check()

    copy = Shop(engine.new_tenant(admins[0], "deferred"), Books([BOOK]), admins, apps)
    copy.books.rates = shop.books.rates
    facts_ = sorted(shop.books.facts.values(), key=lambda fact: (fact.at, fact.id))
    copy.arrive([facts_])
    if len(shop.books.rules) > 1:
        copy.rule(shop.books.rules[1])
    for transaction, shares in shop.books.overrides.items():
        if shares:
            copy.divide(transaction, shares)
    engine.rows(admins[0], "SELECT * FROM attribution.rebuild(%s)", copy.tenant)
    assert held(admins[0], copy.tenant) == held(admins[0], shop.tenant)
    assert states(admins[0], copy.tenant) == states(admins[0], shop.tenant)
    copy.check()
    for tenant in (shop.tenant, copy.tenant):
        engine.rows(admins[0], "SELECT attribution.erase_tenant(%s, 'Shop')", tenant)
