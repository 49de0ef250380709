"""channel_totals() is the sum of compute_allocations(), to the cent, whatever the rules and the facts.

Plain rules are divided by other means there. Allocations are held against an independent oracle by
test_rules_properties.py and test_properties.py: here both must agree, on random histories and on a made-up
one with every kind of doubt. With any of the changes below they don't.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import attacks
import engine
import oracle
import pytest
import test_rules_properties as definitions
from engine import Connection, at, purchase, touch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from servers import Database

EXAMPLES = settings(
    max_examples=150,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
CHANNELS = ("direct", "email", "organic", "google_search_paid")
BY_PLACE = ("first_touch", "last_touch", "linear", "position_based", "j_shaped", "inverse_j")
Events = list[dict[str, Any]]
Period = tuple[datetime | str, datetime | str]
ALWAYS: Period = ("-infinity", "infinity")
# Sums of both kinds that are not the same: cents exactly, shares to the fourth decimal.
DIFFERENCES = """
    WITH totals AS (
        SELECT t.rule_id, t.model_version, t.channel_code, t.currency, t.conversions, t.revenue_cents
        FROM attribution.channel_totals(%(tenant)s, %(from)s, %(to)s) AS t
    ),
    allocations AS (
        SELECT
            c.rule_id, c.model_version, c.channel_code, c.currency, sum(c.allocation_ratio) AS conversions,
            sum(c.allocated_revenue_cents) AS revenue_cents
        FROM attribution.compute_allocations(%(tenant)s, ARRAY(
            SELECT e.id FROM attribution.attribution_events AS e
            WHERE e.tenant_id = %(tenant)s AND e.event_kind = 'conversion'
                AND e.occurred_at >= %(from)s AND e.occurred_at < %(to)s
        )) AS c
        GROUP BY c.rule_id, c.model_version, c.channel_code, c.currency
    )
    SELECT *
    FROM totals AS t
    FULL JOIN allocations AS a USING (rule_id, model_version, channel_code, currency)
    WHERE t.revenue_cents IS DISTINCT FROM a.revenue_cents
        OR t.conversions IS NULL OR a.conversions IS NULL OR abs(t.conversions - a.conversions) > 0.0001
    """

hours = st.sampled_from([0, 12, 12, 24, 36, 168, 180, 204, 720, 732, 888])
cents = st.one_of(st.sampled_from([0, 1, 2, 3, 7, 99, 100, 1000, 2**36 - 1, 2**36]), st.integers(0, 10**9))


@st.composite
def plain(draw: st.DrawFn) -> oracle.Rule:
    """A rule of the kind that is divided in machine numbers."""
    model = draw(st.sampled_from([*BY_PLACE, "time_decay", "time_decay"]))
    options: dict[str, Any] = {}
    if model == "time_decay":
        options["half_life"] = timedelta(hours=draw(st.sampled_from([1, 12, 100, 168])))
    elif model in oracle.POSITIONAL:
        first = draw(st.integers(0, 1000))
        last = draw(st.integers(0, 1000 - first))
        options = {"first": str(first / 1000), "last": str(last / 1000),
                   "two_touch": draw(st.sampled_from(["prorate", "split_middle", "equal"]))}  # fmt: skip
    return oracle.Rule(model, model, draw(definitions.lookbacks), options)


@st.composite
def histories(draw: st.DrawFn) -> Events:
    """Touches and purchases of a few sessions, with ties in time and touches whose time nobody knows."""
    found: Events = []
    kinds = draw(st.lists(st.sampled_from(["touch"] * 5 + ["sale"] * 2), min_size=4, max_size=24))
    for number, kind in zip(draw(st.permutations(range(1, len(kinds) + 1))), kinds, strict=True):
        when, session = at(hours=draw(hours)), draw(st.sampled_from([1, 1, 2, 3]))
        if kind == "sale":
            currency = draw(st.sampled_from(["USD", "EUR"]))
            found.append(purchase(number, when, draw(cents), session, currency=currency))
        else:
            known = draw(st.integers(0, 11)) > 0
            channel = draw(st.sampled_from(CHANNELS))
            found.append(touch(number, when if known else None, session, channel=channel))
    return found


periods = st.one_of(st.just(ALWAYS), st.tuples(hours.map(lambda h: at(hours=h)), st.just(at(hours=800))))


def differences(
    conn: Connection, wanted: Sequence[oracle.Rule], sent: Events, period: Period = ALWAYS
) -> list[Any]:
    """Where the totals of a new shop are not the sums of its allocations."""
    tenant = engine.new_tenant(conn, "deferred")
    for number, rule in enumerate(wanted):
        options = {key: definitions.written(value) for key, value in rule.options.items()}
        engine.add_rule(
            conn, tenant, name=f"rule {number}", model_type=rule.model, constraint_mode=rule.constraint,
            config=options | {"lookback": definitions.written(rule.lookback)},
            applies_to={} if rule.currencies is None else {"currencies": sorted(rule.currencies)},
        )  # fmt: skip
    engine.use(conn, tenant)
    assert engine.send(conn, *sent) == len(sent)
    return conn.execute(
        DIFFERENCES.encode(), {"tenant": tenant, "from": period[0], "to": period[1]}
    ).fetchall()


@pytest.fixture
def conn(db: Database) -> Any:
    with db.connect(autocommit=True) as connection:
        connection.execute(definitions.WEIGH.encode())
        yield connection


@EXAMPLES
@given(
    wanted=st.lists(st.one_of(plain(), plain(), definitions.rules()), min_size=3, max_size=6),
    sent=histories(),
    period=periods,
)
def test_totals_are_the_sums_of_allocations(
    conn: Connection, wanted: list[oracle.Rule], sent: Events, period: Period
) -> None:
    assert differences(conn, wanted, sent, period) == []


HALF_LIFE = {"half_life": timedelta(hours=12)}
RULES = [
    *(oracle.Rule(model, model, timedelta(days=60)) for model in (*BY_PLACE, "last_non_direct", "weighted")),
    oracle.Rule("short", "linear", timedelta(hours=12)),
    oracle.Rule("decay", "time_decay", timedelta(days=30), HALF_LIFE),
    oracle.Rule("reset", "linear", timedelta(days=30), {"on_repeat": "reset"}),
    oracle.Rule("euro", "linear", timedelta(days=30), currencies=frozenset({"EUR"})),
    oracle.Rule(
        "fine", "position_based", timedelta(days=30), {"first": "0.12345678901234568", "last": "0.2"}
    ),
]


def made_up() -> Events:
    """Sales of 0 to 14 touches and every small value, one with a touch of unknown time, one of 130."""
    sent: Events = []
    for session in range(1, 46):
        count = 130 if session == 45 else session % 15
        for place in range(count):
            known = session != 20 or place != 1
            when = at(hours=place * 8) if known else None
            channel = CHANNELS[(place * session + place) % 4]
            sent.append(touch(1000 * session + place, when, session, channel=channel))
        currency = "EUR" if session % 3 else "USD"
        for again in (1, 2):
            number = 1000 * session + 900 + again
            value = 2**37 + 1 if session == 30 else session * again + 1
            sent.append(purchase(number, at(days=25 + 18 * again), value, session, currency=currency))
    for event in sent:  # so that what has no time, and stands at the time of receiving, is in a journey, too
        if event["event_type"] == "purchase" and event["session_id"] == engine.uid(20):
            event["occurred_at"] = None
    return sent


MUTATIONS = {
    "the first touch wins no tie": (
        "place_cents", "(((p_value * p_first) % p_total) >= ((p_value * p_last) % p_total))",
        "(((p_value * p_first) % p_total) > ((p_value * p_last) % p_total))",
    ),
    "those between win no tie": (
        "place_cents", "(((p_value * p_middle) % p_total) >= ((p_value * p_last) % p_total))",
        "(((p_value * p_middle) % p_total) > ((p_value * p_last) % p_total))",
    ),
    "left-over cents go to later touches": ("place_cents", "(p_position - 2)", "(p_touches - p_position)"),
    "whole numbers of the wrong size": (
        "place_weights", "w.first * f.factor AS first", "w.first AS first",
    ),
    "a cent is left over": ("channel_totals", "t.turn <= t.left_over", "t.turn < t.left_over"),
    "unknown times are known": ("channel_totals", "OR NOT j.has_times", "OR false"),
    "what is in doubt is left out": ("channel_totals", "WHERE q.doubtful_id IS NOT NULL", "WHERE false"),
    "long journeys are not in doubt": ("channel_totals", "OR j.touches > 100 THEN j.id", "THEN j.id"),
    "a touch in the sale's own moment is late": (
        "channel_totals", "x.occurred_at <= c.occurred_at", "x.occurred_at < c.occurred_at",
    ),
    "one window for all": ("channel_totals", "'UTC' - l.lookback)", "'UTC' - interval '60 days')"),
    "what nobody earned is lost": ("channel_totals", "HAVING sum(n.conversions) > 0", "HAVING false"),
    "a rule that starts anew is plain": ("plain_rules", "AND o.on_repeat = 'keep'", ""),
    "a rule for some sales is plain": ("plain_rules", "AND r.applies_to = '{}'", ""),
    "other rules are left out": (
        "channel_totals", "FROM active AS a WHERE NOT a.is_plain", "FROM active AS a WHERE false",
    ),
}  # fmt: skip


def test_the_made_up_history_agrees(conn: Connection) -> None:
    assert differences(conn, RULES, made_up()) == []


@pytest.mark.parametrize("name", MUTATIONS)
def test_broken_totals_are_noticed(db: Database, conn: Connection, name: str) -> None:
    attacks.World(db, conn, lambda: conn, "", "").rewrite(*MUTATIONS[name])
    assert differences(conn, RULES, made_up()) != []
