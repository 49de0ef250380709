"""What the engine should compute, worked out by other means: exact fractions, straight from the definitions.

It shares no code, no formula rearrangement and no rounding with the SQL. Shares are Fractions of the value;
time decay, whose weights are irrational, uses 60 decimal digits.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Context, Decimal
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

DIGITS = Context(prec=60)
TIME_BASED = ("time_decay", "daily_linear")
# Models that divide one whole by themselves, whatever the constraint mode: first and last by default.
POSITIONAL = {"position_based": ("0.4", "0.4"), "j_shaped": ("0.2", "0.6"), "inverse_j": ("0.6", "0.2")}
SHAPED = {"w_shaped": Fraction(30, 100), "full_path": Fraction(225, 1000)}
CUTS = {"first_booked": "appointment_booked", "first_attended": "appointment_attended", "first_paid": "sale"}
Weigh = Callable[[int, int, timedelta], Fraction]  # a custom model's function of position, n and age


@dataclass(frozen=True)
class Touch:
    """A touch, as far as the models look at it."""

    id: str
    session: str
    at: datetime
    channel: str
    campaign: str | None = None
    type: str = "click"
    known: bool = True  # False: nobody knows when it was
    role: str | None = None
    weight: Fraction | None = None


@dataclass(frozen=True)
class Conversion:
    """A sale of `cents` minor units of a currency."""

    id: str
    session: str
    at: datetime
    cents: int
    currency: str


@dataclass(frozen=True)
class Moment:
    """Something else that happened in a session: an event type, or `sale`."""

    type: str
    session: str
    at: datetime
    id: str = ""


@dataclass(frozen=True)
class Rule:
    """A rule; `options` are its config without lookback, `currencies` those of the sales it applies to."""

    name: str
    model: str
    lookback: timedelta
    options: Mapping[str, Any] = field(default_factory=dict)
    currencies: frozenset[str] | None = None
    book_rank: int | None = None  # None: a shadow rule; the lowest that applies is the book
    constraint: str = "must_sum_to_100"
    zone: str = "UTC"

    def applies_to(self, conversion: Conversion) -> bool:
        return self.currencies is None or conversion.currency in self.currencies


@dataclass(frozen=True)
class Credit:
    """What one touch (None: nobody) gets of one conversion; `position` 0 belongs to nobody."""

    position: int
    touch: Touch | None
    share: Fraction
    cents: int


def span(conversion: Conversion, moments: Sequence[Moment], rule: Rule) -> tuple[datetime | None, datetime]:
    """After when (None: ever) and up to when touches count; under first_contact, up to the end of time."""
    past = [m for m in moments if m.session == conversion.session and m.at <= conversion.at]
    sales = [m.at for m in past if m.type == "sale" and (m.at, m.id) < (conversion.at, conversion.id)]
    after = max(sales, default=None) if rule.options.get("on_repeat") == "reset" else None
    cutoff = rule.options.get("cutoff", "conversion")
    if cutoff == "first_contact":
        return after, datetime.max.replace(tzinfo=conversion.at.tzinfo)
    return after, min([conversion.at, *(m.at for m in past if m.type == CUTS.get(cutoff))])


def journey(
    conversion: Conversion, touches: Sequence[Touch], rule: Rule, moments: Sequence[Moment] = ()
) -> list[Touch]:
    """The touches that may be credited, in order."""
    after, until = span(conversion, moments, rule)
    options = rule.options

    def counts(touch: Touch) -> bool:
        window = options.get("per_event_type", {}).get(touch.type, rule.lookback)
        window = options.get("per_channel", {}).get(touch.channel, window)
        return (
            touch.session == conversion.session
            and touch.at <= until
            and (after is None or touch.at > after)
            and (options.get("cutoff") == "first_contact" or until - touch.at <= window)
            and touch.channel not in options.get("exclude_channels", ())
            and ("only_channels" not in options or touch.channel in options["only_channels"])
            and (touch.known or rule.model not in TIME_BASED or "missing_timestamp" in options)
        )

    path = sorted(filter(counts, touches), key=lambda touch: (touch.at, touch.id))
    if options.get("dedupe") == "channel":
        first = {touch.channel: touch for touch in reversed(path)}
        return [touch for touch in path if first[touch.channel] is touch]
    return path


def weights(
    rule: Rule, path: Sequence[Touch], end: datetime, moments: Sequence[Moment], custom: Weigh | None
) -> list[Fraction]:
    """Each touch's raw weight; `end` is where ages count from."""
    n = len(path)
    options = rule.options
    if rule.model in TIME_BASED and not all(touch.known for touch in path):
        return [Fraction(options["missing_timestamp"] == "uniform")] * n
    if rule.model in POSITIONAL:
        first, last = POSITIONAL[rule.model]
        return position_shares(
            n, options.get("first", first), options.get("last", last), options.get("two_touch", "prorate")
        )
    if rule.model in SHAPED:
        return shaped_shares(rule.model, path, moments)
    match rule.model:
        case "first_touch":
            return [Fraction(i == 0) for i in range(n)]
        case "last_touch":
            return [Fraction(i == n - 1) for i in range(n)]
        case "last_non_direct":
            named = [i for i, touch in enumerate(path) if touch.channel != "direct"]
            winner = named[-1] if named else n - 1
            return [Fraction(i == winner) for i in range(n)]
        case "linear":
            return [Fraction(1)] * n
        case "daily_linear":
            days = [touch.at.astimezone(ZoneInfo(rule.zone)).date() for touch in path]
            return [Fraction(1, Counter(days)[day]) for day in days]
        case "time_decay":
            half_life = Decimal(options.get("half_life", timedelta(days=7)) // timedelta(microseconds=1))
            ages = [Decimal((end - touch.at) // timedelta(microseconds=1)) for touch in path]
            return [Fraction(DIGITS.power(2, DIGITS.divide(-age, half_life))) for age in ages]
        case "role_based":
            holders = Counter(touch.role for touch in path)
            return [Fraction(options["roles"].get(t.role, "0")) / holders[t.role] for t in path]
        case "weighted":
            return [touch.weight or Fraction() for touch in path]
        case "custom":
            assert custom
            return [custom(i + 1, n, end - touch.at) for i, touch in enumerate(path)]
    raise AssertionError(f"no such model: {rule.model}")


def position_shares(n: int, first: str, last: str, two_touch: str) -> list[Fraction]:
    """A part to the first touch, a part to the last, the rest shared by those between."""
    head, tail = Fraction(first), Fraction(last)
    rest = 1 - head - tail
    if n == 1:
        return [Fraction(1)]
    if n > 2:
        return [head, *[rest / (n - 2)] * (n - 2), tail]
    if two_touch == "split_middle":
        return [head + rest / 2, tail + rest / 2]
    if two_touch == "prorate" and head + tail:
        return [head / (head + tail), tail / (head + tail)]
    return [Fraction(1, 2)] * 2


def shaped_shares(model: str, path: Sequence[Touch], moments: Sequence[Moment]) -> list[Fraction]:
    """A part for each place, a tenth for the touches without one; what has no taker renormalises."""
    places = [path[0]] + ([path[-1]] if model == "full_path" else [])
    for kind in ("lead_created", "opportunity_created"):
        if reached := min((m.at for m in moments if m.type == kind), default=None):
            places += [touch for touch in path if touch.at <= reached][-1:]
    others = [touch for touch in path if touch not in places]
    parts = [SHAPED[model] * places.count(t) if t in places else Fraction(1, 10) / len(others) for t in path]
    return [part / sum(parts) for part in parts]


def divide(cents: int, parts: Sequence[Fraction]) -> list[int]:
    """Whole cents by largest remainder: left-over cents to the largest fractions, ties to the earliest."""
    exact = [cents * part for part in parts]
    whole = [int(amount) for amount in exact]
    by_fraction = sorted(range(len(parts)), key=lambda i: (whole[i] - exact[i], i))
    for i in by_fraction[: cents - sum(whole)]:
        whole[i] += 1
    return whole


def rounded(amount: Fraction) -> int:
    """To the nearest whole cent, half a cent up."""
    precise = DIGITS.divide(Decimal(amount.numerator), Decimal(amount.denominator))
    return int(precise.quantize(Decimal(1), ROUND_HALF_UP, DIGITS))


def parts_of(rule: Rule, raw: Sequence[Fraction]) -> list[Fraction]:
    """Raw weights as parts of the value, under the rule's constraint; what is left of 1 is nobody's."""
    total = sum(raw, Fraction())
    if rule.constraint == "allow_double_counting":
        return [min(weight, Fraction(1)) for weight in raw]
    if rule.constraint == "cap_at_100":
        whole = max(total, Fraction(1))
    elif rule.options.get("absent_roles") == "unattributed":
        whole = sum(map(Fraction, rule.options["roles"].values()))
    else:
        whole = total
    return [weight / whole for weight in raw]


def credits(
    conversion: Conversion,
    touches: Sequence[Touch],
    rule: Rule,
    moments: Sequence[Moment] = (),
    custom: Weigh | None = None,
) -> list[Credit]:
    """Who gets what of a conversion under a rule; touches that earn nothing are left out."""
    path = journey(conversion, touches, rule, moments)
    end = min(span(conversion, moments, rule)[1], conversion.at)
    past = [m for m in moments if m.session == conversion.session and m.at <= conversion.at]
    raw = weights(rule, path, end, past, custom) if path else []
    if not sum(raw):
        return [Credit(0, None, Fraction(1), conversion.cents)]
    earning = [(i + 1, path[i], part) for i, part in enumerate(parts_of(rule, raw)) if part]
    if rule.constraint == "allow_double_counting":
        return [Credit(i, touch, part, rounded(conversion.cents * part)) for i, touch, part in earning]
    # Nobody's part comes last where fractions tie; touches without a part don't compete for left-over cents.
    rest = 1 - sum(part for _, _, part in earning)
    shares = [*earning, *([(0, None, rest)] if rest > Fraction(1, 10**40) else [])]
    amounts = divide(conversion.cents, [part for _, _, part in shares])
    found = [Credit(i, t, part, cents) for (i, t, part), cents in zip(shares, amounts, strict=True)]
    return sorted(found, key=lambda credit: credit.position)


def book(conversion: Conversion, rules: Sequence[Rule]) -> Rule | None:
    """The rule whose credits are posted."""
    ranked = [rule for rule in rules if rule.book_rank is not None and rule.applies_to(conversion)]
    return min(ranked, key=lambda rule: rule.book_rank or 0, default=None)
