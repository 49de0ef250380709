"""What the engine should compute, worked out by other means: exact fractions, straight from the definitions.

It shares no code, no formula rearrangement and no rounding with the SQL. Shares are Fractions of the value;
time decay, whose weights are irrational, uses 60 decimal digits.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Context, Decimal
from fractions import Fraction
from typing import Any

DIGITS = Context(prec=60)


@dataclass(frozen=True)
class Touch:
    """A touch, as far as the models look at it."""

    id: str
    session: str
    at: datetime
    channel: str
    campaign: str | None = None


@dataclass(frozen=True)
class Conversion:
    """A sale of `cents` minor units of a currency."""

    id: str
    session: str
    at: datetime
    cents: int
    currency: str


@dataclass(frozen=True)
class Rule:
    """A rule; `options` are those of its model, `currencies` those of the conversions that it applies to."""

    name: str
    model: str
    lookback: timedelta
    options: Mapping[str, Any] = field(default_factory=dict)
    currencies: frozenset[str] | None = None
    book_rank: int | None = None  # None: a shadow rule; the lowest that applies is the book

    def applies_to(self, conversion: Conversion) -> bool:
        return self.currencies is None or conversion.currency in self.currencies


@dataclass(frozen=True)
class Credit:
    """What one touch (None: nobody) gets of one conversion; `position` 0 belongs to nobody."""

    position: int
    touch: Touch | None
    share: Fraction
    cents: int


def journey(conversion: Conversion, touches: Sequence[Touch], lookback: timedelta) -> list[Touch]:
    """The touches that may be credited, in order."""
    inside = [
        touch
        for touch in touches
        if touch.session == conversion.session and timedelta() <= conversion.at - touch.at <= lookback
    ]
    return sorted(inside, key=lambda touch: (touch.at, touch.id))


def shares(model: str, touches: Sequence[Touch], end: datetime, options: Mapping[str, Any]) -> list[Fraction]:
    """Each touch's part of one whole, under one of the six models."""
    n = len(touches)
    match model:
        case "first_touch":
            return [Fraction(i == 0) for i in range(n)]
        case "last_touch":
            return [Fraction(i == n - 1) for i in range(n)]
        case "last_non_direct":
            named = [i for i, touch in enumerate(touches) if touch.channel != "direct"]
            winner = named[-1] if named else n - 1
            return [Fraction(i == winner) for i in range(n)]
        case "linear":
            return [Fraction(1, n)] * n
        case "time_decay":
            half_life = Decimal(options["half_life"] / timedelta(microseconds=1))
            ages = [Decimal((end - touch.at) // timedelta(microseconds=1)) for touch in touches]
            weights = [Fraction(DIGITS.power(2, DIGITS.divide(-age, half_life))) for age in ages]
            return [weight / sum(weights) for weight in weights]
        case "position_based":
            return position_shares(n, **options)
    raise AssertionError(f"no such model: {model}")


def position_shares(
    n: int, first: str = "0.4", last: str = "0.4", two_touch: str = "prorate"
) -> list[Fraction]:
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


def divide(cents: int, parts: Sequence[Fraction]) -> list[int]:
    """Whole cents by largest remainder: left-over cents to the largest fractions, ties to the earliest."""
    exact = [cents * part for part in parts]
    whole = [int(amount) for amount in exact]
    by_fraction = sorted(range(len(parts)), key=lambda i: (whole[i] - exact[i], i))
    for i in by_fraction[: cents - sum(whole)]:
        whole[i] += 1
    return whole


def credits(conversion: Conversion, touches: Sequence[Touch], rule: Rule) -> list[Credit]:
    """Who gets what of a conversion under a rule; touches that earn nothing are left out."""
    path = journey(conversion, touches, rule.lookback)
    if not path:
        return [Credit(0, None, Fraction(1), conversion.cents)]
    parts = shares(rule.model, path, conversion.at, rule.options)
    assert abs(sum(parts) - 1) < Fraction(1, 10**40)
    # A touch without a share doesn't compete for left-over cents.
    earning = [(i, part) for i, part in enumerate(parts) if part]
    amounts = divide(conversion.cents, [part for _, part in earning])
    return [Credit(i + 1, path[i], part, amount) for (i, part), amount in zip(earning, amounts, strict=True)]


def book(conversion: Conversion, rules: Sequence[Rule]) -> Rule | None:
    """The rule whose credits are posted."""
    ranked = [rule for rule in rules if rule.book_rank is not None and rule.applies_to(conversion)]
    return min(ranked, key=lambda rule: rule.book_rank or 0, default=None)
