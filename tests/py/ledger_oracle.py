"""What the ledger should hold, worked out by other means: exact fractions, straight from the facts.

It shares no code with the SQL, and knows nothing of batches, lines or reversals: whatever arrived in whatever
order, these are the balances, the states and the verdicts that the books must end up with.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from fractions import Fraction
from typing import Any

from oracle import Conversion, Rule, Touch, book, credits, divide, rounded

DECIMALS = {"USD": 2, "EUR": 2, "JPY": 0, "KWD": 3}
TAKEN_BACK = ("refund", "chargeback", "dispute_opened", "dispute_won")
Sale = tuple[str, str]  # transaction and currency
Place = tuple[str, str, str | None, str]  # transaction, channel, campaign, currency


@dataclass(frozen=True)
class Fact:
    """An event, as far as the ledger looks at it; `cents` are minor units of `currency`."""

    id: str
    type: str
    session: str
    at: datetime
    channel: str | None = None
    campaign: str | None = None
    transaction: str | None = None
    cents: int | None = None
    currency: str | None = None


@dataclass(frozen=True)
class Share:
    """A part of an override."""

    channel: str
    percent: Fraction
    campaign: str | None = None


@dataclass
class Part:
    """What one channel holds of one conversion at the moment."""

    place: Place
    conversion: Fact
    cents: int


@dataclass
class Books:
    """Everything that decides what the ledger holds."""

    rules: Sequence[Rule]
    facts: dict[str, Fact] = field(default_factory=dict)
    overrides: dict[str, Sequence[Share]] = field(default_factory=dict)
    rates: dict[tuple[str, date], Fraction] = field(default_factory=dict)

    def sales(self) -> dict[Sale, list[Fact]]:
        """The conversions of each transaction and currency, in order."""
        found: dict[Sale, list[Fact]] = {}
        conversions = [fact for fact in self.facts.values() if fact.type == "purchase"]
        for fact in sorted(conversions, key=lambda fact: (fact.at, fact.id)):
            found.setdefault((fact.transaction or fact.id, str(fact.currency)), []).append(fact)
        return found

    def rate(self, conversion: Fact) -> Fraction | None:
        """US dollars per unit: the latest rate that is not after the sale's day."""
        if conversion.currency == "USD":
            return Fraction(1)
        day = conversion.at.astimezone(UTC).date()
        days = [on for currency, on in self.rates if currency == conversion.currency and on <= day]
        return self.rates[str(conversion.currency), max(days)] if days else None

    def parts(self, sale: Sale, conversions: Sequence[Fact]) -> list[Part]:
        """How the sale is divided before anything is taken back; nobody's part of a conversion comes last."""
        found = []
        for fact in conversions:
            shares = sorted(self.shares(sale, fact), key=lambda share: share[0] == 0)
            found += [Part((sale[0], chan, camp, sale[1]), fact, cents) for _, chan, camp, cents in shares]
        return found

    def shares(self, sale: Sale, fact: Fact) -> Iterator[tuple[int, str, str | None, int]]:
        """Position, channel, campaign and cents of each part of a conversion."""
        cents = int(fact.cents or 0)
        if override := self.overrides.get(sale[0]):
            amounts = divide(cents, [share.percent / 100 for share in override])
            for i, (share, amount) in enumerate(zip(override, amounts, strict=True)):
                yield i + 1, share.channel, share.campaign, amount
            return
        conversion = Conversion(fact.id, fact.session, fact.at, cents, sale[1])
        rule = book(conversion, self.rules)
        assert rule
        touches = [Touch(f.id, f.session, f.at, str(f.channel), f.campaign)
                   for f in self.facts.values() if f.type == "click"]  # fmt: skip
        for credit in credits(conversion, touches, rule):
            earner = (credit.touch.channel, credit.touch.campaign) if credit.touch else ("unattributed", None)
            yield credit.position, *earner, credit.cents

    def close(self) -> "Closing":
        """What the books must say now."""
        closing = Closing()
        sales = self.sales()
        for fact in self.facts.values():
            if fact.type in TAKEN_BACK:
                known = {currency for transaction, currency in sales if transaction == fact.transaction}
                foreign = fact.currency is not None and fact.currency not in known
                refusal = "currency_mismatch" if foreign else "illegal_state"
                closing.verdicts[fact.id] = refusal if known else "waits"
        for sale, conversions in sales.items():
            parts = self.parts(sale, conversions)
            captured = sum(part.cents for part in parts)
            state = "captured"
            for fact in self.taken_back(sale):
                state, verdict = step(state, fact, parts)
                # A dispute of all currencies is booked if one of them lets it pass.
                if verdict == "booked" or fact.currency is not None:
                    closing.verdicts[fact.id] = verdict
            closing.states[sale] = (state, captured, sum(part.cents for part in parts))
            for part in parts:
                closing.cents[part.place] += part.cents
            for conversion in conversions:
                self.convert(closing, conversion, [p for p in parts if p.conversion is conversion])
        return closing

    def taken_back(self, sale: Sale) -> list[Fact]:
        """The refunds, chargebacks and disputes of a sale, in the order in which they count."""
        facts = [
            fact for fact in self.facts.values()
            if fact.type in TAKEN_BACK and fact.transaction == sale[0] and fact.currency in (sale[1], None)
        ]  # fmt: skip
        return sorted(facts, key=lambda fact: (fact.at, fact.type in ("refund", "chargeback"), fact.id))

    def convert(self, closing: "Closing", conversion: Fact, parts: Sequence[Part]) -> None:
        """Convert what is left of a conversion, once, and divide the dollars as the cents are divided."""
        rate = self.rate(conversion)
        if rate is None:
            if conversion.cents:
                closing.unconverted.add((parts[0].place[0], str(conversion.currency), conversion.at.date()))
            return
        left = sum(part.cents for part in parts)
        usd = rounded(left * rate * 100 / 10 ** DECIMALS[str(conversion.currency)])
        amounts = divide(usd, [Fraction(part.cents, left) for part in parts]) if left else [0] * len(parts)
        for part, amount in zip(parts, amounts, strict=True):
            closing.usd[part.place] += amount


@dataclass
class Closing:
    """Balances by place in minor units and in US cents; states with captured and remaining cents; verdicts.

    A verdict is booked, waits (its sale has not come), over_refund, illegal_state or currency_mismatch.
    """

    cents: Counter[Place] = field(default_factory=Counter)
    usd: Counter[Place] = field(default_factory=Counter)
    states: dict[Sale, tuple[str, int, int]] = field(default_factory=dict)
    verdicts: dict[str, str] = field(default_factory=dict)
    unconverted: set[tuple[str, str, date]] = field(default_factory=set)

    def balances(self) -> Mapping[Any, tuple[int, int]]:
        """What the ledger must hold, where it holds anything."""
        found = {place: (self.cents[place], self.usd[place]) for place in [*self.cents, *self.usd]}
        return {place: held for place, held in found.items() if any(held)}

    def refused(self) -> set[tuple[str, str]]:
        """What verify() must report, and nothing else."""
        return {(f"event {id_}", v) for id_, v in self.verdicts.items() if v not in ("booked", "waits")}


def step(state: str, fact: Fact, parts: Sequence[Part]) -> tuple[str, str]:
    """Take one fact back from the parts, if it may be: the state after it, and the verdict."""
    if fact.type == "dispute_opened":
        return ("disputed", "booked") if state == "captured" else (state, "illegal_state")
    if fact.type == "dispute_won":
        return ("captured", "booked") if state == "disputed" else (state, "illegal_state")
    left, cents = sum(part.cents for part in parts), int(fact.cents or 0)
    if cents > left:
        return state, "over_refund"
    if state not in ("captured", "partially_refunded" if fact.type == "refund" else "disputed"):
        return state, "illegal_state"
    taken = divide(cents, [Fraction(part.cents, left) for part in parts])
    for part, amount in zip(parts, taken, strict=True):
        part.cents -= amount
    if fact.type == "chargeback":
        return "charged_back", "booked"
    return ("refunded" if cents == left else "partially_refunded"), "booked"
