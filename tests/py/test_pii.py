"""What is told to be in order at a glance is in order: no guard lets pass what the full patterns find.

find_pii() and payload_is_plain() test a text with small patterns first, and most texts never meet the dear
ones. Random payloads, made of what personal data is made of, are judged with the guards and without them.
"""

from collections.abc import Iterator
from typing import Any

import attacks
import engine
import pii_samples
import pytest
from engine import Connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg.types.json import Jsonb
from servers import Database

EXAMPLES = settings(
    max_examples=400,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
JUDGED = """
    SELECT
        p.payload, attribution.find_pii(p.payload), (attribution.check_payload(p.payload)).error_code,
        attribution.payload_is_plain(p.payload),
        -- Every pattern as it is, no guard before it.
        t.text ~ attribution.pii_pattern('e-mail address')
        OR t.text ~ attribution.pii_pattern('phone number')
        OR regexp_replace(t.text, '((version|build)": ")[0-9.]+"', '\\1"', 'g')
            ~ attribution.pii_pattern('IP address')
        OR EXISTS (
            SELECT FROM regexp_matches(t.text, attribution.pii_pattern('card number'), 'g') AS m (groups)
            WHERE attribution.card_number_valid(m.groups[2])
        )
        OR t.text ~ attribution.pii_pattern('key')
        OR p.payload ? 'name'
    FROM jsonb_array_elements(%s) AS p (payload)
    CROSS JOIN LATERAL (SELECT lower(p.payload::text COLLATE "C")) AS t (text)
    """
WORDS = (
    "mail", "e", "phone", "mobile", "msisdn", "first", "sur", "name", "street", "addr", "address", "line",
    "zip", "post", "code", "card", "credit", "number", "no", "client", "ip", "ipv4", "v6", "birth", "date",
    "of", "day", "passport", "social", "security", "national", "id", "tel", "fax", "pan", "cvv", "cvc",
    "iban", "ssn", "dob", "page", "device", "utm", "Email", "Name", "customer", "1",
)  # fmt: skip
GLUE = ("_", "-", " ", ".", "", "", "(", ")", "+", ":", "::", "/", "@", '"', '": ', "\\", "é")
DIGITS = (
    "1",
    "4",
    "10",
    "192",
    "168",
    "255",
    "415",
    "555",
    "2671",
    "4111",
    "0",
    "2001",
    "db8",
    "fe80",
    "ff",
    "+1",
)

words = st.lists(st.sampled_from((*WORDS, *GLUE)), min_size=1, max_size=5).map("".join)
figures = st.lists(st.sampled_from((*DIGITS, *GLUE)), min_size=1, max_size=14).map("".join)
cards = st.sampled_from(("4111111111111111", "378282246310005", "5555555555554444")).flatmap(
    lambda digits: st.lists(st.sampled_from(("", "", " ", "-", "  ")), min_size=16, max_size=16).map(
        lambda gaps: "".join(digit + gap for digit, gap in zip(digits, gaps, strict=False))
    )
)
keys = st.one_of(words, words, figures)
values = st.recursive(
    st.one_of(words, figures, cards, st.integers(), st.booleans(), st.none(), st.floats(-1e50, 1e50)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(keys, inner, max_size=3)),
    max_leaves=6,
)
payloads = st.dictionaries(keys, values, max_size=4)


@pytest.fixture
def admin(db: Database) -> Iterator[Connection]:
    with db.connect(autocommit=True) as conn:
        yield conn


def misjudged(admin: Connection, sent: list[Any]) -> list[Any]:
    """Payloads of which the guards say otherwise than the patterns behind them, or a glance than a look."""
    return [
        row
        for row in engine.rows(admin, JUDGED, Jsonb(sent))
        for _, found, code, plain, due in [row]
        if (due and found is None) or (plain and (code is not None or due))
    ]


@pytest.mark.servers("one")
@EXAMPLES
@given(sent=st.lists(payloads, min_size=20, max_size=20))
def test_no_guard_lets_personal_data_pass(admin: Connection, sent: list[Any]) -> None:
    assert misjudged(admin, sent) == []


@pytest.mark.servers("one")
def test_samples_are_judged_alike_with_and_without_guards(admin: Connection) -> None:
    found = [payload for payloads in pii_samples.FOUND.values() for payload in payloads]
    assert misjudged(admin, found + pii_samples.PASSES) == []


@pytest.mark.servers("one")
def test_a_glance_suffices_for_ordinary_payloads(admin: Connection) -> None:
    """Else payload_is_plain() could say no to all of them, and nothing above would notice."""
    ordinary = [
        {},
        {"page": "/p/17", "device": "phone"},
        {"utm_source": "google", "utm_medium": "cpc", "utm_campaign": "Spring sale", "language": "de-DE"},
        {"a": [{"b": [1, 2.5, True, None]}], "screen": "1920x1080"},
        {"sent_at": "2026-03-01T12:34:56.789Z", "ms": 1767225600123, "order": "A-2000", "sdk": "4.10.0"},
    ]
    judged = engine.rows(admin, JUDGED, Jsonb(ordinary))
    assert [(found, code, plain) for _, found, code, plain, _ in judged] == [(None, None, True)] * len(
        ordinary
    )


@pytest.mark.servers("one")
@pytest.mark.parametrize(
    "made",
    [
        "'[]'",
        "'{\"a\": 1e41}'",
        "'{\"a\": -1e-41}'",
        "('{\"a\": ' || repeat('[', 400) || repeat(']', 400) || '}')",
        "('{\"a\": \"' || repeat('x', 3000) || '\"}')",
    ],
    ids=["no object", "huge number", "tiny number", "nested", "long"],
)
def test_what_has_to_be_looked_into_is_not_plain(admin: Connection, made: str) -> None:
    assert engine.one(admin, f"SELECT attribution.payload_is_plain({made}::jsonb)") is False


GUARDS = (
    r"\+[1-9]|", "[0-9]{3}[ .-][0-9]{4}|", "[2-6]([ -]?[0-9]){12}|", r"\.[0-9]+\.[0-9]+\.[0-9]|", "::|",
    "|:[0-9a-f]+:[0-9a-f]+:", "l(ia|et)|", "e(no|li|ma|do|ta|ni)|", "n(ds|ap|ab|ss)|", "t(ee|ro)|",
    "r(dd|eb)|", "sse|", "d(ra|i)|", "on|", "|pi", "|htr", "|y(ad|ti)", "|xaf", "|[cv]vc", "|bod",
    "|[0-9_. -]",
)  # fmt: skip
"""Parts of the guards, as the catalog spells them."""
KEYS = (
    "email", "telephone", "msisdn", "street", "addr", "card_number", "address", "credit_card", "phone_no",
    "ip", "date_of_birth", "birthday", "fax", "cvv", "dob", "address_1",
)  # fmt: skip


def test_without_any_part_of_the_guards_something_passes(db: Database, login: attacks.Login) -> None:
    """So the tests above would find a guard that is too narrow."""
    sent = [payload for payloads in pii_samples.FOUND.values() for payload in payloads]
    sent += [{"note": "2001:db8::1"}, *({key: 1} for key in KEYS)]
    with db.connect(autocommit=True) as admin:
        world = attacks.World(db, admin, login, "", "")
        whole = str(engine.one(admin, "SELECT pg_get_functiondef('attribution.pii_pattern'::regproc)"))
        idle = []
        for part in GUARDS:
            before, after = whole.rsplit(part, 1)  # the guards come last
            world.do(before + after)
            if not misjudged(admin, sent):
                idle.append(part)
            world.do(whole)
        assert idle == []
