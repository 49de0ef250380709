"""The simulator: the same rows on every run, in the promised proportions, with every kind of mistake."""

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import asdict
from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controlplane import simulator
from controlplane.simulator import END, FIRST_DAY, MINIMUM_ROWS, Delivery, Event

Play = Callable[..., list[Delivery]]
CODES = {
    "MISSING_FIELD",
    "UNKNOWN_EVENT_TYPE",
    "UNKNOWN_CHANNEL",
    "INVALID_CURRENCY",
    "INVALID_VALUE",
    "INVALID_TIMESTAMP",
    "PAYLOAD_TOO_LARGE",
    "PII_DETECTED",
    "INVALID_PARTNER",
}
PLAYS = pytest.mark.parametrize("play", [simulator.shop, simulator.vendor])


def fingerprint(deliveries: list[Delivery]) -> str:
    rows = [asdict(delivery) for delivery in deliveries]
    return hashlib.sha256(json.dumps(rows, default=str).encode()).hexdigest()[:16]


def first_deliveries(deliveries: list[Delivery]) -> list[Delivery]:
    return [delivery for delivery in deliveries if delivery.verdict == "accepted"]


@PLAYS
@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32), rows=st.integers(MINIMUM_ROWS, 4_000))
def test_any_seed_keeps_the_proportions(play: Play, seed: int, rows: int) -> None:
    deliveries = play(rows, seed=seed)
    verdicts = Counter(delivery.verdict for delivery in deliveries)
    malformed = {code: verdicts[code] for code in verdicts.keys() - {"accepted", "duplicate"}}

    assert len(deliveries) == rows
    assert verdicts["duplicate"] == round(rows * 0.02)
    assert sum(malformed.values()) == round(rows * 0.01)
    assert malformed.keys() == CODES


@PLAYS
@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_a_duplicate_repeats_an_event_and_comes_after_it(play: Play, seed: int) -> None:
    seen: dict[str, Event] = {}
    for delivery in play(MINIMUM_ROWS, seed=seed):
        key = delivery.event.external_event_id
        if delivery.verdict == "duplicate":
            assert seen[key] == delivery.event
        else:
            assert key not in seen
            seen[key] = delivery.event


@PLAYS
@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_arrivals_are_in_order_and_events_within_the_month(play: Play, seed: int) -> None:
    deliveries = play(MINIMUM_ROWS, seed=seed)
    arrivals = [delivery.arrives_at for delivery in deliveries]

    assert arrivals == sorted(arrivals)
    for delivery in deliveries:
        if delivery.verdict != "INVALID_TIMESTAMP":
            assert FIRST_DAY <= delivery.event.occurred_at < END
            assert delivery.event.occurred_at < delivery.arrives_at


@PLAYS
def test_the_default_play_never_changes(play: Play) -> None:
    """The keys and contents that an earlier run sent: a change here makes `ctl demo` send different facts."""
    assert fingerprint(play()) == {"shop": "a230de4582d9273f", "vendor": "e0e6a172ea3ac97b"}[play.__name__]


@PLAYS
def test_seeds_differ(play: Play) -> None:
    assert fingerprint(play(MINIMUM_ROWS, seed=1)) != fingerprint(play(MINIMUM_ROWS, seed=2))


@PLAYS
def test_too_few_rows_are_refused(play: Play) -> None:
    with pytest.raises(ValueError, match=f"at least {MINIMUM_ROWS} rows"):
        play(MINIMUM_ROWS - 1)


def test_both_together_send_fifty_thousand_rows() -> None:
    assert len(simulator.shop()) + len(simulator.vendor()) == 50_000


def test_shop_has_repeat_buyers_sales_without_touches_and_late_touches() -> None:
    sales, touches = defaultdict(list), defaultdict(list)
    late = 0
    for delivery in first_deliveries(simulator.shop()):
        event = delivery.event
        if event.conversion_value_cents is not None:
            sales[event.session_id].append(event)
            assert event.currency == "USD" and event.transaction_id
        else:
            late += any(sale.occurred_at > event.occurred_at for sale in sales[event.session_id])
            touches[event.session_id].append(event)

    assert sum(len(bought) > 1 for bought in sales.values()) > len(sales) / 20
    assert any(session not in touches for session in sales)
    assert late > 100, "touches that arrive after the sale which they precede"


def test_some_of_the_shops_sales_come_back() -> None:
    """Every kind is there, after its sale, and none takes back more than the sale was worth."""
    sales: dict[str | None, Event] = {}
    back: dict[str | None, list[Event]] = defaultdict(list)
    events = [delivery.event for delivery in first_deliveries(simulator.shop())]
    for event in sorted(events, key=lambda event: event.occurred_at):
        if event.event_type in ("purchase", "subscription"):
            sales[event.transaction_id] = event
        elif event.transaction_id:
            assert event.transaction_id in sales
            back[event.transaction_id].append(event)

    kinds = Counter(event.event_type for events in back.values() for event in events)
    assert kinds.keys() == {"refund", "chargeback", "dispute_opened", "dispute_won"}
    assert len(sales) / 40 < len(back) < len(sales) / 10
    for order, events in back.items():
        taken = sum(event.conversion_value_cents or 0 for event in events)
        assert taken <= (sales[order].conversion_value_cents or 0)


def test_vendor_walks_the_funnel_with_partners_in_two_currencies() -> None:
    events = [delivery.event for delivery in first_deliveries(simulator.vendor())]
    kinds = Counter(event.event_type for event in events)
    funnel = [kinds[stage] for stage in ("lead_created", "appointment_booked", "opportunity_created")]

    assert funnel == sorted(funnel, reverse=True) and funnel[-1] > kinds["opportunity_won"] > 100
    assert {event.currency for event in events} == {None, "EUR", "GBP"}
    assert all((event.event_type == "partner_touch") == (event.partner_id is not None) for event in events)


@PLAYS
def test_events_arrive_out_of_order(play: Play) -> None:
    times = [delivery.event.occurred_at for delivery in first_deliveries(play())]
    overtaken = sum(earlier > later for earlier, later in pairwise(times))
    delays = [delivery.arrives_at - delivery.event.occurred_at for delivery in first_deliveries(play())]

    assert overtaken > len(times) / 20
    assert sum(delay > timedelta(days=1) for delay in delays) > len(delays) / 100
