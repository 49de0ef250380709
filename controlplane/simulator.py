"""A seeded simulator of two businesses: pure Python, no clock, no database.

`shop` is a consumer shop selling in US dollars, `vendor` a B2B vendor selling through partners in euros and
pounds. Each returns what an app would send in 30 fixed days of the past, in the order it would arrive: most
rows within seconds, some hours or days late, 2% of them twice, 1% malformed. Some sales are refunded,
disputed or charged back. The same seed gives the same rows and the same keys on every run, so that sending
them again must change nothing.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import count, cycle
from typing import Any
from uuid import UUID

FIRST_DAY = datetime(2025, 9, 1, tzinfo=UTC)
END = FIRST_DAY + timedelta(days=30)
DUPLICATE_SHARE = 0.02
MALFORMED_SHARE = 0.01
MINIMUM_ROWS = 2_000
"""Fewer rows than this could not show every error code."""

Mix = Mapping[tuple[str, str], int]
"""(channel, event type) of a touch, and how often it is met relative to the others."""


@dataclass(frozen=True, slots=True)
class Event:
    """One row of `attribution.attribution_events`, as an app fills it in. Money is in minor units (cents)."""

    external_event_id: str
    event_type: str
    session_id: UUID | None
    occurred_at: datetime
    channel: str | None = None
    campaign_id: str | None = None
    partner_id: str | None = None
    partner_role: str | None = None
    conversion_value_cents: int | None = None
    currency: str | None = None
    transaction_id: str | None = None
    raw_payload: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Delivery:
    """An event on its way to the database.

    `verdict` is what the database must say of it: `accepted`, `duplicate`, or an error code such as
    `UNKNOWN_CHANNEL`. The sender doesn't know it; tests do.
    """

    event: Event
    arrives_at: datetime
    verdict: str


SHOP_MIX: Mix = {
    ("facebook_paid", "impression"): 14,
    ("facebook_paid", "click"): 17,
    ("facebook_brand", "visit"): 4,
    ("google_search_paid", "click"): 16,
    ("google_display_paid", "impression"): 10,
    ("tiktok_paid", "click"): 9,
    ("organic", "visit"): 10,
    ("direct", "visit"): 8,
    ("email", "email"): 7,
    ("referral", "visit"): 3,
    ("affiliate", "click"): 2,
}
VENDOR_MIX: Mix = {
    ("google_search_paid", "click"): 15,
    ("organic", "visit"): 18,
    ("email", "email"): 14,
    ("referral", "visit"): 8,
    ("direct", "form_submit"): 9,
    ("phone", "call"): 10,
    ("partner", "partner_touch"): 26,
}
CAMPAIGNS: Mapping[str, tuple[str, ...]] = {
    "facebook_paid": ("fb-autumn", "fb-retargeting"),
    "google_search_paid": ("gs-generic", "gs-competitor"),
    "google_display_paid": ("gd-banner",),
    "tiktok_paid": ("tt-creators",),
    "email": ("newsletter-09",),
}
LABELS: Mapping[str, tuple[str, ...]] = {
    "facebook_paid": ("facebook_paid", "Facebook Ads", "meta"),
    "google_search_paid": ("google_search_paid", "Google Ads"),
    "organic": ("organic", "SEO"),
    "email": ("email", "Newsletter"),
}
"""What vendors call a channel; the database's aliases know them."""
RETURNED_SHARE = 0.05
"""Sales of the shop that come back: in part, as a whole, or through the buyer's bank."""
RATES = tuple(
    {"date": f"{FIRST_DAY + timedelta(days=7 * week):%Y-%m-%d}", "currency": currency, "rate": rate}
    for currency, rates in (
        ("EUR", ("1.1671", "1.1718", "1.1769", "1.1745", "1.1726")),
        ("GBP", ("1.3494", "1.3526", "1.3585", "1.3478", "1.3443")),
    )
    for week, rate in enumerate(rates)
)
"""Sample exchange rates of the window: US dollars per unit, one a week."""
PARTNERS: tuple[tuple[str, str], ...] = (
    ("northwind-consulting", "referrer"),
    ("contoso-systems", "implementer"),
    ("fabrikam-resale", "reseller"),
)


class _Visitor:
    """One session walking through the window; what would happen after its end is never recorded."""

    def __init__(self, rng: random.Random, prefix: str, numbers: Iterator[int]) -> None:
        self.rng = rng
        self.session_id = UUID(int=rng.getrandbits(128), version=4)
        self.now = FIRST_DAY + rng.random() * (END - FIRST_DAY)
        self.events: list[Event] = []
        self._prefix, self._numbers = prefix, numbers

    def record(self, event_type: str, *, of: Event | None = None, **fields: Any) -> Event | None:
        """Append an event at the visitor's present time, under the next key of the business; None after the
        end. What happens to an earlier sale is `of` it."""
        if self.now >= END:
            return None
        key = f"{self._prefix}-{next(self._numbers):06d}"
        order = of.transaction_id if of else f"order-{key}" if "currency" in fields else None
        event = Event(key, event_type, self.session_id, self.now, transaction_id=order, **fields)
        self.events.append(event)
        return event

    def touch(self, mix: Mix) -> None:
        """Record one touch drawn from the mix."""
        [(channel, event_type)] = self.rng.choices(tuple(mix), tuple(mix.values()))
        campaign = self.rng.choice(CAMPAIGNS[channel]) if channel in CAMPAIGNS else None
        partner, role = self.rng.choice(PARTNERS) if event_type == "partner_touch" else (None, None)
        payload = {"page": f"/p/{self.rng.randrange(200)}", "device": self.rng.choice(("phone", "laptop"))}
        label = self.rng.choice(LABELS.get(channel, (channel,)))
        self.record(
            event_type,
            channel=label,
            campaign_id=campaign,
            partner_id=partner,
            partner_role=role,
            raw_payload=payload,
        )

    def wait(self, mean_hours: float) -> None:
        """Let time pass: exponentially distributed around the mean, never zero."""
        self.now += timedelta(hours=self.rng.expovariate(1 / mean_hours), seconds=1)


def _looks(rng: random.Random, *, most: int) -> int:
    """A number of touches from 1 to `most`, small ones likelier."""
    return min(rng.randint(1, most), rng.randint(1, most))


def _second_thoughts(visitor: _Visitor, sale: Event) -> None:
    """A sale comes back. The last of its events may be one too many for the window: then it stays open."""
    whole = sale.conversion_value_cents or 0
    part = whole // 3
    steps: tuple[tuple[str, int | None], ...] = visitor.rng.choice(
        (
            (("refund", part),),
            (("refund", part), ("refund", whole - part)),
            (("refund", whole),),
            (("dispute_opened", None), ("dispute_won", None)),
            (("dispute_opened", None), ("chargeback", whole)),
            (("chargeback", whole),),
        )
    )
    for event_type, cents in steps:
        visitor.wait(60)
        visitor.record(event_type, of=sale, conversion_value_cents=cents, currency=sale.currency)


def _shopper(visitor: _Visitor) -> None:
    """Looks around for some days and perhaps buys; every third buyer comes back and mostly buys again."""
    rng = visitor.rng
    looks, odds = _looks(rng, most=7), 0.35
    if rng.random() < 0.02:
        looks = 0  # an ad blocker: the sale comes out of nowhere and goes to `unattributed`
    while True:
        for _ in range(looks):
            visitor.touch(SHOP_MIX)
            visitor.wait(22)
        if looks and rng.random() > odds:
            return
        kind = "subscription" if rng.random() < 0.1 else "purchase"
        cents = round(rng.lognormvariate(8.3, 0.7))
        sale = visitor.record(kind, conversion_value_cents=cents, currency="USD")
        if sale and cents > 2 and rng.random() < RETURNED_SHARE:
            _second_thoughts(visitor, sale)
        if rng.random() > 0.33:
            return
        visitor.wait(90)
        looks, odds = _looks(rng, most=3), 0.7


def _account(visitor: _Visitor) -> None:
    """A company moving down the funnel, touched by marketing and partners between its milestones."""
    rng = visitor.rng
    stages = ("lead_created", "contact", "appointment_booked", "appointment_attended", "opportunity_created")
    for stage in stages:
        for _ in range(_looks(rng, most=4)):
            visitor.touch(VENDOR_MIX)
            visitor.wait(14)
        if rng.random() > 0.85:
            return
        visitor.record(stage)
        visitor.wait(10)
    visitor.touch(VENDOR_MIX)
    visitor.wait(30)
    if rng.random() < 0.7:
        value = round(rng.lognormvariate(14.2, 0.6))
        currency = "GBP" if rng.random() < 0.3 else "EUR"
        visitor.record("opportunity_won", conversion_value_cents=value, currency=currency)


Spoiler = tuple[str, bool, Callable[[Event], Event]]
"""The error code it earns, whether it needs a conversion to spoil, and how it does so."""

SPOILERS: tuple[Spoiler, ...] = (
    ("MISSING_FIELD", False, lambda e: replace(e, session_id=None)),
    ("UNKNOWN_EVENT_TYPE", False, lambda e: replace(e, event_type="page_veiw")),
    ("UNKNOWN_CHANNEL", False, lambda e: replace(e, channel="carrier_pigeon")),
    ("INVALID_CURRENCY", True, lambda e: replace(e, currency="US$")),
    ("INVALID_VALUE", True, lambda e: replace(e, conversion_value_cents=-1999)),
    ("INVALID_TIMESTAMP", False, lambda e: replace(e, occurred_at=e.occurred_at.replace(year=2999))),
    ("PAYLOAD_TOO_LARGE", False, lambda e: replace(e, raw_payload={"html": "<br>" * 20_000})),
    ("PII_DETECTED", False, lambda e: replace(e, raw_payload={"email": "jane.doe@example.com"})),
    ("PII_DETECTED", False, lambda e: replace(e, raw_payload={"note": "ask jane.doe@example.com first"})),
    ("INVALID_PARTNER", False, lambda e: replace(e, partner_id=None, partner_role="reseller")),
)


def _delay(rng: random.Random) -> timedelta:
    """How long a row is under way: seconds, for one in fifteen hours, for one in fifty days."""
    luck = rng.random()
    if luck < 0.02:
        return timedelta(days=rng.uniform(1, 6))
    if luck < 0.08:
        return timedelta(hours=rng.uniform(0.5, 12))
    return timedelta(seconds=rng.uniform(0.05, 90))


def _deliver(rng: random.Random, prefix: str, events: list[Event], rows: int) -> list[Delivery]:
    """Send the events as networks do, with repeats and spoiled rows making up the rest of `rows`."""
    deliveries = [Delivery(event, event.occurred_at + _delay(rng), "accepted") for event in events]
    spoiled = round(rows * MALFORMED_SHARE)
    for first in rng.sample(deliveries, rows - len(events) - spoiled):
        # A client that missed the answer tries again: at once, or when it is next online.
        again = first.arrives_at + (timedelta() if rng.random() < 0.5 else _delay(rng))
        deliveries.append(Delivery(first.event, again, "duplicate"))
    touches = [event for event in events if event.channel is not None]
    sales = [event for event in events if event.conversion_value_cents is not None]
    for number, (code, of_sale, spoil) in zip(range(spoiled), cycle(SPOILERS), strict=False):
        model = rng.choice(sales if of_sale else touches)
        event = spoil(replace(model, external_event_id=f"{prefix}-bad-{number:04d}"))
        deliveries.append(Delivery(event, model.occurred_at + _delay(rng), code))
    # A stable sort: a repeat at the very instant of the first delivery stays behind it.
    return sorted(deliveries, key=lambda delivery: delivery.arrives_at)


def _play(prefix: str, walk: Callable[[_Visitor], None], seed: int, rows: int) -> list[Delivery]:
    """Let visitors walk until there are enough genuine events, then send them; exactly `rows` deliveries."""
    if rows < MINIMUM_ROWS:
        raise ValueError(f"at least {MINIMUM_ROWS} rows are needed to show every error code, not {rows}")
    rng, numbers = random.Random(f"{prefix}:{seed}"), count(1)
    wanted = rows - round(rows * DUPLICATE_SHARE) - round(rows * MALFORMED_SHARE)
    events: list[Event] = []
    while len(events) < wanted:
        visitor = _Visitor(rng, prefix, numbers)
        walk(visitor)
        events += visitor.events
    return _deliver(rng, prefix, events[:wanted], rows)


def shop(rows: int = 40_000, *, seed: int = 1) -> list[Delivery]:
    """30 days of a consumer shop: exactly `rows` deliveries in order of arrival.

    Raises ValueError for fewer than `MINIMUM_ROWS`.
    """
    return _play("shop", _shopper, seed, rows)


def vendor(rows: int = 10_000, *, seed: int = 1) -> list[Delivery]:
    """30 days of a B2B vendor with partners and a funnel: exactly `rows` deliveries in order of arrival.

    Raises ValueError for fewer than `MINIMUM_ROWS`.
    """
    return _play("vendor", _account, seed, rows)
