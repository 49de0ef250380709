"""Plain touches pass by the chain of checks in accept_event(), and nothing comes of it but speed.

The same rows are sent to two tenants, to the second with every row made to go through the chain. Both must
hold the same facts and the same dead events.
"""

import random
from collections.abc import Iterator
from typing import Any

import attacks
import pytest
from engine import Connection, Event, at, new_tenant, rows, send, uid, use
from servers import Database

PASSES_BY = "IF NEW.session_id IS NOT NULL AND NEW.event_type <> 'partner_touch'"
VALUES: dict[str, tuple[Any, ...]] = {
    "event_type": ("click", "visit", "partner_touch", "purchase", "refund", "contact", "nothing", "", None),
    "session_id": (uid(1), uid(1), None),
    "occurred_at": (at(hours=1), at(hours=-1), at(hours=-72), None, "infinity", "-infinity", "1969-12-31"),
    "channel": (
        "email", "direct", "Google Ads", "newsletter", " E-Mail ", "EMAIL", "unattributed", "nowhere",
        "Nowhere!", "sms", "Text", "ann@example.com", "", "x" * 600, "X" * 600, None,
    ),
    "campaign_id": (None, "spring", "", "ann@example.com", "x" * 513, "é" * 250),
    "external_event_id": (None, None, "", "x" * 300),
    "correlation_id": (None, None, "", "x" * 300),
    "partner_id": (None, None, "p-1", ""),
    "partner_role": (None, None, "sourced", ""),
    "weight": (None, None, 0, 1, -1, "NaN"),
    "conversion_value_cents": (None, None, 0, 100, -1),
    "currency": (None, None, "USD", "XXY", ""),
    "transaction_id": (None, "t-1", ""),
    "raw_payload": (
        None, "{}", '{"page": "/p/17", "device": "phone"}', '{"email": "x"}', '{"a": "ann@example.com"}',
        "[]", '{"n": 1e41}', '{"gclid": "1"}',
        '{"at": "2026-03-01T12:34:56Z"}', '{"a": "' + "x" * 70_000 + '"}',
    ),
}  # fmt: skip
FACTS = """
    SELECT
        idempotency_key, event_type, event_kind, session_id, occurred_at_known,
        CASE WHEN occurred_at_known THEN occurred_at END, channel, channel_code, campaign_id,
        external_event_id, correlation_id, partner_id, partner_role, weight, conversion_value_cents, currency,
        transaction_id, raw_payload::text
    FROM attribution.attribution_events WHERE tenant_id = %s ORDER BY 1
    """
DEAD = """
    SELECT idempotency_key, error_code, error_message, error_detail::text
    FROM attribution.dead_events WHERE tenant_id = %s ORDER BY 1, 2
    """


@pytest.fixture
def world(db: Database, login: attacks.Login) -> Iterator[attacks.World]:
    with db.connect(autocommit=True) as admin:
        yield attacks.World(db, admin, login, "", "")


def touches(count: int) -> list[Event]:
    """Touches that are mostly in order, each with up to three columns that may not; some keys come twice."""
    rng = random.Random(count)
    sent = []
    for number in range(count):
        event: dict[str, Any] = {name: values[0] for name, values in VALUES.items()}
        for name in rng.sample(sorted(VALUES), rng.choice((0, 1, 1, 2, 3))):
            event[name] = rng.choice(VALUES[name])
        sent.append(event | {"idempotency_key": f"key-{number - rng.choice((0, 0, 0, 1))}"})
    return sent


def told(conn: Connection, events: list[Event]) -> tuple[Any, Any]:
    """Send the events to a new tenant, with one of its channels retired: its facts and its dead events."""
    shop = new_tenant(conn, "deferred")
    use(conn, shop)
    for event in events:
        send(conn, event)
    return rows(conn, FACTS, shop), rows(conn, DEAD, shop)


def test_a_plain_touch_is_what_the_chain_would_make_of_it(world: attacks.World) -> None:
    events = touches(1500)
    world.do("UPDATE attribution.channel_taxonomy SET is_active = false WHERE code = 'sms'")
    facts, dead = told(world.admin, events)
    assert len(facts) > 500
    assert len({code for _, code, *_ in dead}) == 9, "every check has refused some"

    world.rewrite("accept_event", PASSES_BY, PASSES_BY.replace("IF ", "IF false AND "))
    assert told(world.admin, events) == (facts, dead)
    # Without the chain, plain touches are all that gets in: they do pass by it.
    world.rewrite("accept_event", PASSES_BY.replace("IF ", "IF false AND "), PASSES_BY)
    world.rewrite(
        "accept_event", "    IF v_code IS NULL THEN", "    RETURN NULL;\n    IF v_code IS NULL THEN"
    )
    plain, _ = told(world.admin, events)
    assert 300 < len(plain) < len(facts)
    assert {kind for _, _, kind, *_ in plain} == {"touch"}


def test_what_passes_by_the_chain_unchecked_is_told(world: attacks.World) -> None:
    """The test above finds a row that should have gone through the chain."""
    events = touches(1500)
    right = told(world.admin, events)
    world.rewrite("accept_event", "AND octet_length(v_words) <= 512 AND strpos(v_words, '@') = 0", "")
    assert told(world.admin, events) != right
