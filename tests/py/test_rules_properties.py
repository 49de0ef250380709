"""Every model with every option and constraint mode, on random journeys, against an independent oracle.

preview_allocation() goes through the engine's own functions and stores nothing, so that hundreds of journeys
are tried in seconds; that stored rules do the same is test_properties.py's part.
"""

from collections.abc import Mapping
from datetime import timedelta
from fractions import Fraction
from typing import Any

import engine
import oracle
import pytest
from engine import Connection
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from psycopg.types.json import Jsonb
from servers import Database

EXAMPLES = settings(
    max_examples=500,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
MODELS = (
    "first_touch", "last_touch", "last_non_direct", "linear", "daily_linear", "time_decay", "position_based",
    "w_shaped", "full_path", "j_shaped", "inverse_j", "role_based", "weighted", "custom",
)  # fmt: skip
CHANNELS = ("direct", "email", "google", "google_ads", "phone")
TYPES = ("click", "call", "visit")
ROLES = ("sourced", "influenced", "assisted")
ZONES = ("UTC", "America/New_York", "Asia/Kolkata", "Pacific/Auckland")
MILESTONES = (
    "lead_created", "opportunity_created", "appointment_booked", "appointment_attended", "first_paid",
)  # fmt: skip
SALE_AT = engine.at(days=40)
# What a rule's own function may look at, and the same in Python: weigh().
WEIGH = """
    CREATE FUNCTION public.weigh("position" int, n int, age interval, config jsonb) RETURNS float8
    LANGUAGE sql IMMUTABLE
    RETURN (config #>> '{parameters,scale}')::float8 * (
        "position" * (config #>> '{parameters,slope}')::float8 + n + 100
        + floor(extract(epoch FROM age) / 86400)
    )
    """

# Coarse steps make ties and window edges likely; the microsecond beside an edge decides.
moments = st.builds(
    lambda steps, off: engine.at(hours=steps * 12) + timedelta(microseconds=off),
    st.integers(0, 84),
    st.sampled_from([0, 0, 0, -1, 1]),
)
lengths = st.sampled_from([0, 12, 36, 24 * 7, 24 * 30]).map(lambda length: timedelta(hours=length))
lookbacks = st.sampled_from([0, 1, 7, 30, 60, 60, 60]).map(lambda length: timedelta(days=length))
own_weights = ["0", "0.001", "0.2", "0.25", "0.5", "0.8", "1", "3", "1000"]
weights = st.sampled_from([None, *map(Fraction, own_weights)])


@st.composite
def touches(draw: st.DrawFn) -> list[oracle.Touch]:
    found = []
    for name in draw(st.permutations("abcdefgh"))[: draw(st.sampled_from([0, 1, 2, 3, 4, 6, 8]))]:
        known = draw(st.integers(0, 7)) > 0
        touch = oracle.Touch(
            name, "s", draw(moments) if known else SALE_AT, draw(st.sampled_from(CHANNELS)), None,
            draw(st.sampled_from(TYPES)), known, draw(st.sampled_from([None, *ROLES])), draw(weights),
        )  # fmt: skip
        found.append(touch)
    return found


@st.composite
def options(draw: st.DrawFn, model: str) -> dict[str, Any]:
    """The options of a rule, those of its journey first; each is often left out."""
    found: dict[str, Any] = {}

    def perhaps(key: str, strategy: st.SearchStrategy[Any]) -> None:
        if draw(st.integers(0, 3)) == 0:
            found[key] = draw(strategy)

    some = st.lists(st.sampled_from(CHANNELS), min_size=1, max_size=3, unique=True)
    perhaps("cutoff", st.sampled_from(["conversion", "first_contact", *oracle.CUTS]))
    perhaps("on_repeat", st.sampled_from(["keep", "reset"]))
    perhaps("dedupe", st.sampled_from(["touch", "channel"]))
    perhaps("exclude_channels", some)
    perhaps("only_channels", some)
    perhaps("per_channel", st.dictionaries(st.sampled_from(CHANNELS), lengths, max_size=3))
    perhaps("per_event_type", st.dictionaries(st.sampled_from(TYPES), lengths, max_size=2))
    if model in oracle.TIME_BASED:
        perhaps("missing_timestamp", st.sampled_from(["uniform", "reject"]))
    if model == "time_decay":
        perhaps("half_life", st.sampled_from([12, 100, 168]).map(lambda length: timedelta(hours=length)))
    if model in oracle.POSITIONAL:
        if draw(st.booleans()):
            first = draw(st.integers(0, 10))
            found |= {"first": tenths(first), "last": tenths(draw(st.integers(0, 10 - first)))}
        perhaps("two_touch", st.sampled_from(["prorate", "split_middle", "equal"]))
    if model == "role_based":
        pools = st.sampled_from(["0.1", "0.3", "0.333", "0.6", "1", "2.5"])
        found["roles"] = draw(st.dictionaries(st.sampled_from(ROLES), pools, min_size=1))
        perhaps("absent_roles", st.sampled_from(["renormalise", "unattributed"]))
    if model == "custom":
        found["weight_function"] = "public.weigh"
        slopes, scales = ["0", "1", "5", "-2"], ["0", "0.001", "0.0005", "1"]
        found["parameters"] = {
            "slope": draw(st.sampled_from(slopes)),
            "scale": draw(st.sampled_from(scales)),
        }
    return found


def tenths(count: int) -> str:
    return str(count / 10)


@st.composite
def rules(draw: st.DrawFn) -> oracle.Rule:
    model = draw(st.sampled_from(MODELS))
    modes = ["must_sum_to_100", "must_sum_to_100", "cap_at_100", "allow_double_counting"]
    return oracle.Rule(
        model, model, draw(lookbacks), draw(options(model)), constraint=draw(st.sampled_from(modes)),
        zone=draw(st.sampled_from(ZONES)),
    )  # fmt: skip


@st.composite
def journeys(draw: st.DrawFn) -> tuple[oracle.Conversion, list[oracle.Touch], list[oracle.Moment]]:
    cents = draw(st.one_of(st.sampled_from([0, 1, 2, 3, 99, 100, 1000]), st.integers(0, 10**8)))
    reached = {kind: draw(moments) for kind in MILESTONES if draw(st.integers(0, 2))}
    named = {"first_paid": "sale"}
    past = [oracle.Moment(named.get(kind, kind), "s", when) for kind, when in reached.items()]
    return oracle.Conversion("sale", "s", SALE_AT, cents, "USD"), draw(touches()), past


@pytest.fixture
def conn(db: Database) -> Any:
    with db.connect(autocommit=True) as connection:
        connection.execute(WEIGH.encode())
        yield connection


NEEDED = {
    "role_based": {"roles": {"sourced": "1"}},
    "custom": {"weight_function": "public.weigh", "parameters": {"slope": "1", "scale": "1"}},
}
PLAIN = [oracle.Rule(model, model, timedelta(days=30), NEEDED.get(model, {})) for model in MODELS]


@EXAMPLES
@given(journey=journeys(), wanted=st.lists(rules(), min_size=3, max_size=6))
@example(journey=(oracle.Conversion("sale", "s", SALE_AT, 100, "USD"), [], []), wanted=PLAIN)
def test_a_preview_is_what_the_definitions_say(
    conn: Connection, journey: Any, wanted: list[oracle.Rule]
) -> None:
    sale, path, reached = journey
    for rule in wanted:
        due = {
            credit.touch.id if credit.touch else None: credit
            for credit in oracle.credits(sale, path, rule, reached, weigher(rule))
        }
        found = preview(conn, rule, sale, path, reached)
        # All touches of the journey are shown, in its order, also those without a share.
        shown = {t.id: place for place, t in enumerate(oracle.journey(sale, path, rule, reached), 1)}
        assert list(found) == [*shown, *([None] if None in due else [])], rule
        for key, (position, cents, ratio) in found.items():
            credit = due.get(key, oracle.Credit(shown.get(key or "", 0), None, Fraction(), 0))
            assert (position, cents) == (credit.position, credit.cents), (rule, key)
            assert abs(Fraction(ratio) - credit.share) <= Fraction(1, 10**12), (rule, key)
        if rule.constraint != "allow_double_counting":
            assert sum(cents for _, cents, _ in found.values()) == sale.cents


def weigher(rule: oracle.Rule) -> oracle.Weigh | None:
    """The function WEIGH, as the rule has it."""
    if rule.model != "custom":
        return None
    slope, scale = (Fraction(rule.options["parameters"][key]) for key in ("slope", "scale"))
    return lambda position, n, age: (position * slope + n + age // timedelta(days=1) + 100) * scale


def preview(
    conn: Connection, rule: oracle.Rule, sale: oracle.Conversion, path: list[oracle.Touch], reached: Any
) -> dict[str | None, tuple[int, int, Any]]:
    """What the engine says: position, cents and ratio by touch (None: nobody)."""
    config = {key: written(value) for key, value in rule.options.items()}
    config |= {"lookback": written(rule.lookback), "constraint_mode": rule.constraint, "time_zone": rule.zone}
    conversion = {
        "value_cents": sale.cents, "currency": sale.currency, "occurred_at": sale.at.isoformat(),
        "milestones": {"first_paid" if m.type == "sale" else m.type: m.at.isoformat() for m in reached},
    }  # fmt: skip
    sent = [
        {"id": t.id, "channel": t.channel, "event_type": t.type, "role": t.role,
         "occurred_at": t.at.isoformat() if t.known else None,
         "weight": None if t.weight is None else float(t.weight)}
        for t in path
    ]  # fmt: skip
    query = """
        SELECT touch_id, "position", allocated_revenue_cents, allocation_ratio
        FROM attribution.preview_allocation(%s, %s, %s, %s)
        """
    return {
        key: (position, cents, ratio)
        for key, position, cents, ratio in engine.rows(
            conn, query, rule.model, Jsonb(config), Jsonb(conversion), Jsonb(sent)
        )
    }


def written(value: Any) -> Any:
    """An option as JSON has it."""
    if isinstance(value, timedelta):
        return f"{value // timedelta(hours=1)} hours"
    if isinstance(value, Mapping):
        return {key: written(inner) for key, inner in value.items()}
    if isinstance(value, str) and value.lstrip("-").replace(".", "").isdigit():
        return float(value)
    return value
