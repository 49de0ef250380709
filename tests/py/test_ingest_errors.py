"""What bad input gets: an error code with its message and hint, and never a crash or a lost batch."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import engine
import pii_samples
import psycopg
import pytest
from engine import Connection, at, purchase, touch
from ingest_cases import CASES, MAX
from servers import Database

KIB64 = 65536
DEAD = """
    SELECT error_code, error_message, error_detail, remediation_status FROM attribution.dead_events
    """


@pytest.fixture
def admin(db: Database) -> Iterator[Connection]:
    with db.connect(autocommit=True) as conn:
        yield conn


@pytest.fixture
def shop(app: Connection) -> str:
    """The tenant of `app`."""
    return str(engine.one(app, "SHOW app.current_tenant_id"))


def refusal(conn: Connection, *events: Any) -> psycopg.errors.Diagnostic:
    """Send what must be refused, and return the error."""
    with pytest.raises(psycopg.Error) as caught:
        engine.send(conn, *events)
    return caught.value.diag


def test_each_error_in_quarantine_and_in_raise_mode(admin: Connection, app: Connection, shop: str) -> None:
    """The same verdict either way: a dead event beside the good rows, or RA010 for the statement."""
    for case, event, code, message, column, hint in CASES:
        with app.transaction(force_rollback=True):
            good = touch(2, at()), purchase(3, at(hours=1), 100)
            assert engine.send(app, good[0], event, good[1]) == 2, case
            assert engine.rows(app, DEAD) == [(code, message, {"column": column, "hint": hint}, "pending")], (
                case
            )
            assert engine.credited(app, shop, engine.uid(3)) == {engine.uid(2)}
        with app.transaction(force_rollback=True):
            app.execute("SET LOCAL attribution.on_invalid = 'raise'")
            diag = refusal(app, touch(2, at()), event)
            assert (diag.sqlstate, diag.message_primary, diag.message_hint) == (
                "RA010",
                f"{code}: {message}",
                hint,
            )
            key = event["idempotency_key"][:512]
            assert diag.message_detail == f"Column {column} of the event with idempotency key {key}."
    assert set(engine.volumes(admin, shop).values()) == {0, 3}  # the tenant's three rules, and nothing else


def test_every_error_code_has_a_case(admin: Connection) -> None:
    definition = engine.one(
        admin,
        """
        SELECT pg_get_constraintdef(oid) FROM pg_constraint
        WHERE conrelid = 'attribution.dead_events'::regclass
            AND pg_get_constraintdef(oid) LIKE '%%INVALID_PARTNER%%'
        """,
    )
    codes = {word for word in definition.split("'") if word.isupper() and "_" in word}
    assert len(codes) == 9
    assert {code for _, _, code, *_ in CASES} == codes - {
        "PAYLOAD_TOO_LARGE"
    }  # it has a test of its own, below


def test_a_dead_event_keeps_what_was_sent_without_personal_data(app: Connection) -> None:
    event = touch(1, at(), channel="nowhere", campaign_id="c-1", external_event_id="x-1")
    event["raw_payload"] = {
        "email": "ann@example.com",
        "note": "ask ann@example.com, +1 415 555 2671",
        "ok": [1],
    }
    engine.send(app, event)
    ((kept,),) = engine.rows(app, "SELECT raw_payload FROM attribution.dead_events")
    assert "ann@" not in json.dumps(kept) and "2671" not in json.dumps(kept)
    assert kept["raw_payload"] == {
        "email": "[masked]",
        "note": "ask [e-mail address], [phone number]",
        "ok": [1],
    }
    assert (
        kept["campaign_id"] == "c-1" and kept["channel"] == "nowhere" and kept["external_event_id"] == "x-1"
    )


def test_a_bad_event_sent_again_is_one_dead_event(app: Connection) -> None:
    for _ in range(3):
        assert engine.send(app, touch(1, at(), channel="nowhere"), touch(1, at(), channel="nowhere")) == 0
    assert engine.one(app, "SELECT count(*) FROM attribution.dead_events") == 1


@pytest.mark.parametrize("length", [KIB64 - 100, KIB64 + 100, 1 << 20, 1 << 24])
def test_payload_sizes(app: Connection, length: int) -> None:
    """Up to 64 KiB a fact; above it a dead event that stays small."""
    fits = length < KIB64
    assert engine.send(app, touch(1, at(), raw_payload={"x": "y" * length})) == fits
    found = engine.rows(
        app,
        "SELECT error_code, error_message, error_detail, pg_column_size(raw_payload)"
        " FROM attribution.dead_events",
    )
    if fits:
        assert found == []
        return
    ((code, message, detail, size),) = found
    assert (code, detail["column"]) == ("PAYLOAD_TOO_LARGE", "raw_payload")
    assert message.startswith("raw_payload has ") and message.endswith(" bytes, more than 64 KiB")
    assert abs(int(message.split()[2]) - length) < 100
    assert detail["hint"] == "Keep the document elsewhere and send its id."
    assert size <= 1 << 21


@pytest.mark.parametrize("depth", [100, 1_000, 8_000])
@pytest.mark.parametrize("shape", ['{"a":', "["])
def test_nested_payloads(app: Connection, depth: int, shape: str) -> None:
    """Nesting alone is no error within 64 KiB."""
    close = "}" if shape == '{"a":' else "]"
    app.execute(
        """
        INSERT INTO attribution.attribution_events (event_type, session_id, channel, raw_payload)
        VALUES ('click', gen_random_uuid(), 'direct',
            ('{"deep": ' || repeat(%s, %s) || '1' || repeat(%s, %s) || '}')::jsonb)
        """,
        [shape, depth, close, depth],
    )
    assert engine.one(app, "SELECT count(*) FROM attribution.attribution_events") == 1


def test_nested_payloads_with_an_error_are_quarantined(app: Connection) -> None:
    """Masking is bounded in depth, so that a deep payload can't crash what stores it."""
    deep: Any = {"email": "ann@example.com"}
    for _ in range(300):
        deep = {"a": deep}
    assert engine.send(app, touch(1, at(), raw_payload=deep)) == 0
    ((code, kept),) = engine.rows(app, "SELECT error_code, raw_payload::text FROM attribution.dead_events")
    assert code == "PII_DETECTED" and "ann@" not in kept


def test_absurdly_nested_json_is_an_error_and_no_crash(app: Connection) -> None:
    """PostgreSQL's own parser refuses it before any of our code runs; the connection lives on."""
    text = '{"a":' * 200_000 + "1" + "}" * 200_000
    with pytest.raises(psycopg.errors.StatementTooComplex):
        app.execute(
            "INSERT INTO attribution.attribution_events (event_type, session_id, raw_payload)"
            " VALUES ('click', gen_random_uuid(), %s::jsonb)",
            [text],
        )
    assert engine.send(app, touch(1, at())) == 1


@pytest.mark.parametrize(
    "payload", [{"k" * 60_000: 1}, {"": {"": ""}}, {"n": 1e39, "m": -1e-39, "z": 0.0}, {}]
)
def test_odd_but_valid_payloads_are_facts(app: Connection, payload: dict[str, Any]) -> None:
    assert engine.send(app, touch(1, at(), raw_payload=payload)) == 1


def test_empty_texts_mean_nothing(app: Connection) -> None:
    """An empty optional text is an absent one; and two empty keys are not the same key."""
    empty = dict.fromkeys(
        (
            "idempotency_key",
            "external_event_id",
            "correlation_id",
            "campaign_id",
            "partner_id",
            "partner_role",
            "transaction_id",
        ),
        "",
    )
    assert engine.send(app, touch(1, at()) | empty, touch(2, at()) | empty) == 2
    found = engine.rows(
        app,
        """
        SELECT idempotency_key = id::text,
            num_nonnulls(
                external_event_id, correlation_id, campaign_id, partner_id, partner_role, transaction_id
            )
        FROM attribution.attribution_events
        """,
    )
    assert found == [(True, 0), (True, 0)]


def test_keys_default_in_order_and_are_compared_byte_by_byte(app: Connection) -> None:
    keys: list[dict[str, Any]] = [
        {"idempotency_key": "k", "external_event_id": "x", "correlation_id": "c"},
        {"idempotency_key": None, "external_event_id": "x2", "correlation_id": "c"},
        {"idempotency_key": None, "external_event_id": None, "correlation_id": "c3"},
        {"idempotency_key": "K", "external_event_id": None, "correlation_id": None},
        {"idempotency_key": "k ", "external_event_id": None, "correlation_id": None},
        {"idempotency_key": "\u00e9", "external_event_id": None, "correlation_id": None},
        {"idempotency_key": "e\u0301", "external_event_id": None, "correlation_id": None},
    ]
    assert engine.send(app, *[touch(n, at()) | key for n, key in enumerate(keys, 1)]) == len(keys)
    found = engine.rows(app, "SELECT idempotency_key FROM attribution.attribution_events ORDER BY id")
    assert [key for (key,) in found] == ["k", "x2", "c3", "K", "k ", "\u00e9", "e\u0301"]


def test_the_highest_value_divides_exactly(admin: Connection, app: Connection, shop: str) -> None:
    touches = [touch(n, at(hours=n)) for n in range(1, 8)]
    engine.send(app, *touches, purchase(9, at(hours=9), MAX))
    query = """
        SELECT rule_id, sum(allocated_revenue_cents) FROM attribution.attribution_allocations
        WHERE event_id = %s AND superseded_at IS NULL GROUP BY 1
        """
    found = engine.rows(app, query, engine.uid(9))
    assert [int(cents) for _, cents in found] == [MAX] * 3
    assert int(engine.one(app, "SELECT sum(amount_cents) FROM attribution.revenue_ledger")) == MAX
    assert engine.breaches(admin, shop) == []


def test_a_journey_of_100000_touches_sums_exactly(admin: Connection, app: Connection, shop: str) -> None:
    app.execute(
        """
        INSERT INTO attribution.attribution_events
            (event_type, session_id, channel, occurred_at, idempotency_key)
        SELECT 'click', %(session)s, 'direct', %(start)s + n * interval '1 second', 'touch-' || n
        FROM generate_series(1, 100000) AS n
        """,
        {"session": engine.uid(1), "start": at()},
    )
    engine.send(app, purchase(9, at(days=20), 12_345_678))
    engine.drain(admin)
    query = """
        SELECT r.name, count(*), sum(a.allocated_revenue_cents)::bigint, max(a.position)
        FROM attribution.attribution_allocations AS a
        JOIN attribution.attribution_rules AS r ON r.id = a.rule_id
        WHERE a.superseded_at IS NULL GROUP BY 1 ORDER BY 1
        """
    assert engine.rows(app, query) == [
        ("last_touch", 1, 12_345_678, 100_000),
        ("linear", 100_000, 12_345_678, 100_000),
        ("position_based_30d", 100_000, 12_345_678, 100_000),
    ]
    assert engine.breaches(admin, shop) == []


def test_no_context(login: Callable[..., Connection]) -> None:
    conn = login("attribution_app")
    for setting in (None, ""):  # the latter is what SET LOCAL leaves behind
        if setting is not None:
            conn.execute("SET app.current_tenant_id = ''")
        diag = refusal(conn, touch(1, at()))
        assert (diag.sqlstate, diag.message_primary) == ("RA002", "no tenant in context")
        assert diag.message_hint == (
            "In the same transaction, first: SELECT attribution.set_tenant('…'); "
            "or SET LOCAL app.current_tenant_id = '…'."
        )
    engine.use(conn, "not a uuid")
    assert refusal(conn, touch(1, at())).sqlstate == "22P02"


def test_an_unknown_tenant(login: Callable[..., Connection]) -> None:
    conn = login("attribution_app")
    hint = "List the tenants: ctl tenant list, or SELECT * FROM attribution.list_tenants()."
    with pytest.raises(psycopg.Error) as caught:
        conn.execute("SELECT attribution.set_tenant(%s)", [engine.uid(404)])
    diag = caught.value.diag
    assert (diag.sqlstate, diag.message_primary, diag.message_hint) == ("RA004", "unknown tenant", hint)
    assert diag.message_detail == f"No tenant has the id {engine.uid(404)}."
    with pytest.raises(psycopg.Error) as caught:
        conn.execute("SELECT attribution.authenticate('pga_nobody')")
    assert (caught.value.sqlstate, caught.value.diag.message_primary) == ("RA004", "unknown API key")
    engine.use(conn, engine.uid(404))  # behind set_tenant()'s back: good events and bad ones alike
    for event in (touch(1, at()), purchase(1, at(), 5), touch(1, at(), channel="nowhere")):
        diag = refusal(conn, event)
        assert (diag.sqlstate, diag.message_primary, diag.message_hint) == ("RA004", "unknown tenant", hint)


def test_a_bound_login_and_another_tenant(
    admin: Connection, app: Connection, shop: str, login: Callable[..., Connection]
) -> None:
    other = engine.new_tenant(admin)
    engine.rows(admin, "SELECT attribution.bind_login(%s, %s)", app.info.user, shop)
    assert engine.send(app, touch(1, at())) == 1
    with pytest.raises(psycopg.Error) as caught:
        app.execute("SELECT attribution.set_tenant(%s)", [other])
    assert caught.value.sqlstate == "RA009"
    engine.use(app, other)
    diag = refusal(app, touch(2, at()))
    assert (diag.sqlstate, diag.message_primary) == ("RA009", "this login may not work for that tenant")
    assert diag.message_hint == (
        "Use the tenant that the login is bound to, or a login of the other tenant (ctl tenant bind-login)."
    )
    assert diag.message_detail == f"Login {app.info.user} is bound to another tenant."


def test_a_row_for_another_tenant_reaches_nobodys_dead_events(
    admin: Connection, app: Connection, shop: str
) -> None:
    other = engine.new_tenant(admin)
    diag = refusal(app, touch(1, at(), channel="nowhere", tenant_id=other))
    assert (diag.sqlstate, diag.message_primary) == (
        "RA009", "the event is for another tenant than the one in context"
    )  # fmt: skip
    assert engine.volumes(admin, other)["dead_events"] == engine.volumes(admin, shop)["dead_events"] == 0


@pytest.mark.servers("one")
def test_personal_data_is_found(admin: Connection) -> None:
    missed = [
        (due, payload, found)
        for due, payloads in pii_samples.FOUND.items()
        for payload in payloads
        if (found := engine.one(admin, "SELECT attribution.find_pii(%s)", psycopg.types.json.Jsonb(payload)))
        != due
    ]
    assert missed == []


@pytest.mark.servers("one")
def test_what_is_no_personal_data_passes(admin: Connection) -> None:
    alarms = [
        (payload, found)
        for payload in pii_samples.PASSES
        if (found := engine.one(admin, "SELECT attribution.find_pii(%s)", psycopg.types.json.Jsonb(payload)))
    ]
    assert alarms == []
