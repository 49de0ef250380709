"""G1, G3, G5, G10: whatever way events arrive, the same cents; and they are the right ones.

Each example is a tenant of its own. Its facts are then fed to a second tenant in canonical order, in one
statement, and computed there by rebuild() alone: both must hold the same allocations and balances, and
both must hold what an independent oracle says.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import engine
import oracle
import pytest
from engine import Connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from servers import Database

EXAMPLES = settings(
    max_examples=200,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
CHANNELS = ("direct", "google_search_paid", "email", "organic")
CURRENCIES = ("USD", "EUR", "JPY")
CAMPAIGNS = (None, "spring", "summer")
MILESTONES = ("lead_created", "opportunity_created", "appointment_booked", "appointment_attended")
# What stands in an event, and what its copy in another tenant must have.
FACTS = """
    SELECT id::text, event_type, session_id::text, occurred_at, idempotency_key, channel, campaign_id,
        conversion_value_cents, currency, transaction_id
    FROM attribution.attribution_events WHERE tenant_id = %s ORDER BY occurred_at, id
    """

# Few times, whose differences are often 0 or a lookback below: ties, and the edges of windows.
hours = st.sampled_from([0, 12, 24, 36, 168, 180, 204, 720, 732, 888])
lookbacks = st.sampled_from([0, 12, 36, 24 * 7, 24 * 30]).map(lambda length: timedelta(hours=length))
tenths = st.integers(0, 10)


@st.composite
def options(draw: st.DrawFn, model: str) -> dict[str, Any]:
    if model == "time_decay":
        return {"half_life": timedelta(hours=draw(st.sampled_from([1, 12, 100, 168])))}
    if model == "position_based":
        first = draw(tenths)
        last = draw(st.integers(0, 10 - first))
        two_touch = draw(st.sampled_from(["prorate", "split_middle", "equal"]))
        return {"first": f"0.{first}" if first < 10 else "1", "last": f"0.{last}" if last < 10 else "1",
                "two_touch": two_touch}  # fmt: skip
    return {}


@st.composite
def windows(draw: st.DrawFn) -> dict[str, Any]:
    """Options by which events other than the journey's touches count, or touches after the sale."""
    found = {
        "cutoff": draw(st.sampled_from(["conversion", "conversion", "first_contact", *oracle.CUTS])),
        "on_repeat": draw(st.sampled_from(["keep", "reset"])),
        "dedupe": draw(st.sampled_from(["touch", "channel"])),
    }
    if draw(st.booleans()):
        found["per_channel"] = {draw(st.sampled_from(CHANNELS)): draw(lookbacks)}
    return found


@st.composite
def rules(draw: st.DrawFn) -> list[oracle.Rule]:
    """The rules of a new tenant, one rule of each model, and perhaps a book for some currencies."""
    found = [
        oracle.Rule("position_based_30d", "position_based", timedelta(days=30), book_rank=100),
        oracle.Rule("last_touch", "last_touch", timedelta(days=30)),
        oracle.Rule("linear", "linear", timedelta(days=30)),
    ]
    for model in ("first_touch", "last_touch", "last_non_direct", "linear", "time_decay", "position_based"):
        found.append(oracle.Rule(f"any {model}", model, draw(lookbacks), draw(options(model))))
    found += [
        oracle.Rule("reset", "linear", draw(lookbacks), {"on_repeat": "reset"}),
        oracle.Rule("once", "position_based", draw(lookbacks), {"dedupe": "channel"}),
        oracle.Rule("w_shaped", "w_shaped", draw(lookbacks), draw(windows())),
        oracle.Rule("full_path", "full_path", draw(lookbacks), draw(windows())),
    ]
    # One of these alone decides whether a late touch can reach the sales before it.
    cutoff = draw(st.sampled_from(["first_contact", *oracle.CUTS]))
    found.append(oracle.Rule("cut", "linear", draw(lookbacks), {"cutoff": cutoff}))
    for rank in draw(st.sampled_from([(), (10,), (10, 5), (10, 200)])):
        model = draw(st.sampled_from(["linear", "time_decay", "last_non_direct", "position_based"]))
        currencies = frozenset(draw(st.sampled_from([["EUR"], ["USD", "JPY"]])))
        config = draw(options(model)) | draw(windows())
        found.append(oracle.Rule(f"book {rank}", model, draw(lookbacks), config, currencies, rank))
    return found


@st.composite
def events(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Touches, purchases and milestones of a few sessions; some tie in time, some sales have no time.

    Touches have one: under a time-based model, the copy of a touch that has none could not be the same.
    """
    found: list[dict[str, Any]] = []
    more = st.sampled_from(["touch"] * 4 + ["purchase"] * 2 + ["milestone"])
    kinds = ["touch"] * 3 + ["purchase"] + draw(st.lists(more, min_size=2, max_size=12))
    # Ties in time are ordered by id, so ids must not follow the order of arrival or of time.
    numbers = draw(st.permutations(range(1, len(kinds) + 1)))
    for number, kind in zip(numbers, kinds, strict=True):
        when = engine.at(hours=draw(hours)) if kind == "touch" or draw(st.integers(0, 9)) else None
        session = draw(st.sampled_from([1, 1, 1, 2, 3]))
        if kind == "touch":
            event = engine.touch(number, when, session, channel=draw(st.sampled_from(CHANNELS)))
            event["campaign_id"] = draw(st.sampled_from(CAMPAIGNS))
        elif kind == "milestone":
            event = engine.touch(
                number, when, session, event_type=draw(st.sampled_from(MILESTONES)), channel=None
            )
        else:
            cents = draw(st.one_of(st.sampled_from([0, 1, 2, 3, 99, 100]), st.integers(0, 10**8)))
            event = engine.purchase(number, when, cents, session, currency=draw(st.sampled_from(CURRENCIES)))
            event["transaction_id"] = draw(st.sampled_from([f"sale-{number}", "shared", None]))
        found.append(event)
    return found


@dataclass(frozen=True)
class Delivery:
    """Events as they arrive: batches (one statement each), and what happens after each batch."""

    mode: str
    batches: list[tuple[list[dict[str, Any]], str]]


@st.composite
def deliveries(draw: st.DrawFn, sent: Sequence[dict[str, Any]]) -> Delivery:
    """Every event at least once, in any order, in batches of any size."""
    again = draw(st.lists(st.sampled_from(list(sent)), max_size=5))
    left = draw(st.permutations([*sent, *again]))
    batches = []
    while left:
        size = draw(st.integers(1, min(6, len(left))))
        batch, left = left[:size], left[size:]
        batches.append((batch, draw(st.sampled_from(["", "", "run", "rebuild", "undo"]))))
    return Delivery(draw(st.sampled_from(["sync", "deferred"])), batches)


@st.composite
def streams(draw: st.DrawFn) -> tuple[list[oracle.Rule], list[dict[str, Any]], Delivery]:
    sent = draw(events())
    return draw(rules()), sent, draw(deliveries(sent))


@pytest.fixture
def app(login: Callable[..., Connection]) -> Connection:
    """An app's connection without a tenant: each example has its own."""
    return login("attribution_app")


@EXAMPLES
@given(stream=streams())
def test_any_arrival_ends_in_the_same_cents(db: Database, app: Connection, stream: Any) -> None:
    wanted, sent, delivery = stream
    with db.connect(autocommit=True) as admin:
        first = new_tenant(admin, delivery.mode, wanted)
        deliver(admin, app, first, delivery)
        engine.drain(admin)
        facts = engine.rows(admin, FACTS, first)
        assert Counter(fact[0] for fact in facts) == Counter(event["id"] for event in sent)

        second = new_tenant(admin, "deferred", wanted)
        engine.use(app, second)
        columns = ("id", "event_type", "session_id", "occurred_at", "idempotency_key", "channel",
                   "campaign_id", "conversion_value_cents", "currency", "transaction_id")  # fmt: skip
        engine.send(app, *[dict(zip(columns, fact, strict=True)) for fact in facts])
        engine.rows(admin, "SELECT * FROM attribution.rebuild(%s)", second)

        assert engine.allocations(admin, first) == engine.allocations(admin, second)
        assert engine.balances(admin, first) == engine.balances(admin, second)
        assert_exact(admin, first, wanted, facts)
        for tenant in (first, second):
            assert_settled(admin, app, tenant, sent)


def new_tenant(conn: Connection, mode: str, wanted: Sequence[oracle.Rule]) -> str:
    """A tenant with the rules that create_tenant() doesn't make."""
    tenant = engine.new_tenant(conn, mode)
    for rule in wanted[3:]:
        config = {name: length(value) for name, value in rule.options.items()}
        engine.add_rule(
            conn,
            tenant,
            name=rule.name,
            model_type=rule.model,
            config=config | {"lookback": length(rule.lookback)},
            applies_to={} if rule.currencies is None else {"currencies": sorted(rule.currencies)},
            is_book=rule.book_rank is not None,
            priority=rule.book_rank or 1,
        )
    return tenant


def length(value: Any) -> Any:
    """An option as JSON has it."""
    if isinstance(value, timedelta):
        return f"{value // timedelta(hours=1)} hours"
    if isinstance(value, dict):
        return {key: length(inner) for key, inner in value.items()}
    return float(value) if value[0].isdigit() else value


def deliver(admin: Connection, app: Connection, tenant: str, delivery: Delivery) -> None:
    """Send the batches; between them the queue is run, all is rebuilt, or a failed try precedes a batch."""
    engine.use(app, tenant)
    for batch, then in delivery.batches:
        if then == "undo":
            with app.transaction(force_rollback=True):
                engine.send(app, *batch)
        engine.send(app, *batch)
        if then == "run":
            engine.drain(admin)
        elif then == "rebuild":
            engine.rows(admin, "SELECT * FROM attribution.rebuild(%s)", tenant)


def assert_settled(admin: Connection, app: Connection, tenant: str, sent: Sequence[Any]) -> None:
    """Nothing is wrong, and doing everything again writes nothing."""
    assert engine.breaches(admin, tenant) == []
    before = engine.volumes(admin, tenant)
    engine.use(app, tenant)
    assert engine.send(app, *sent) == 0
    engine.drain(admin)
    conversions = sum(event["event_type"] == "purchase" for event in sent)
    again = engine.rows(admin, "SELECT * FROM attribution.rebuild(%s)", tenant)
    assert again == [(conversions, 0)]
    assert engine.volumes(admin, tenant) == before
    assert engine.queued(admin, tenant) == 0


def assert_exact(admin: Connection, tenant: str, wanted: Sequence[oracle.Rule], facts: Any) -> None:
    """The current allocations and the ledger are what the oracle says."""
    sessions: dict[str, list[oracle.Touch]] = {}
    sales: list[tuple[oracle.Conversion, str]] = []
    moments: list[oracle.Moment] = []
    for id_, kind, session, when, _, channel, campaign, cents, currency, transaction in facts:
        if kind == "click":
            sessions.setdefault(session, []).append(oracle.Touch(id_, session, when, channel, campaign))
            continue
        moments.append(oracle.Moment("sale" if kind == "purchase" else kind, session, when, id_))
        if kind == "purchase":
            sale = oracle.Conversion(id_, session, when, cents, currency)
            sales.append((sale, transaction or id_))
    due, ledger, ratios = [], Counter[Any](), {}
    for sale, transaction in sales:
        book = oracle.book(sale, wanted)
        for rule in wanted:
            if not rule.applies_to(sale):
                continue
            for credit in oracle.credits(sale, sessions.get(sale.session, []), rule, moments):
                channel = credit.touch.channel if credit.touch else "unattributed"
                campaign = credit.touch.campaign if credit.touch else None
                touch = credit.touch.id if credit.touch else None
                place = (sale.id, rule.name, rule is book, credit.position, touch, channel, campaign)
                due.append((*place, credit.cents, sale.currency))
                ratios[place] = credit.share
                if rule is book:
                    ledger[transaction, channel, campaign, sale.currency] += credit.cents

    found = engine.allocations(admin, tenant)
    assert sorted(map(repr, due)) == sorted(repr((*row[:7], *row[8:])) for row in found)
    for row in found:
        assert abs(Fraction(row[7]) - ratios[row[:7]]) <= Fraction(1, 10**12)
    assert {row[:4]: row[4] for row in engine.balances(admin, tenant)} == {
        key: cents for key, cents in ledger.items() if cents
    }
    assert_sums(admin, tenant, sales)


def assert_sums(admin: Connection, tenant: str, sales: Sequence[tuple[oracle.Conversion, str]]) -> None:
    """Every rule allocates every conversion's value, and the ledger holds the revenue, to the cent."""
    captured = Counter[str]()
    for sale, _ in sales:
        captured[sale.currency] += sale.cents
    query = """
        SELECT currency, sum(amount_cents) FROM attribution.revenue_ledger WHERE tenant_id = %s GROUP BY 1
        """
    assert dict(engine.rows(admin, query, tenant)) == {
        currency: Decimal(cents) for currency, cents in captured.items() if cents
    }
    query = """
        SELECT e.id FROM attribution.attribution_events AS e
        JOIN attribution.attribution_allocations AS a ON (a.tenant_id, a.event_id) = (e.tenant_id, e.id)
        WHERE e.tenant_id = %s AND a.superseded_at IS NULL
        GROUP BY e.tenant_id, e.id, a.rule_id
        HAVING sum(a.allocated_revenue_cents) <> min(e.conversion_value_cents)
            OR round(sum(a.allocation_ratio), 9) <> 1
        """
    assert engine.rows(admin, query, tenant) == []
