"""ATTACKS.md, Data (23 to 25), and tampering as far as verify() finds it (34).

Of 34, what only the seals can show is not here: deleting the newest batches together with their sales, or
rebuilding everything consistently. They come with ledger_seals and their exported anchors; docs/security.md
says so. Figures beyond one file are in tests/sql/95_ops/verify_tenant.sql.
"""

import unicodedata
from collections.abc import Iterator
from itertools import product
from typing import Any

import attacks
import pytest
from attacks import World, state
from engine import at, one, purchase, rows, send, touch
from psycopg.types.json import Jsonb
from servers import Database


@pytest.fixture
def world(db: Database, login: attacks.Login) -> Iterator[World]:
    with db.connect(autocommit=True) as admin:
        yield attacks.build(db, admin, login)


def test_23_numbers_and_times_that_are_none(world: World) -> None:
    conn = world.login(tenant=world.ours)
    counter = iter(range(1000, 10**6))
    tried: dict[str, dict[str, Any]] = {
        "weight NaN": {"weight": float("nan")},
        "weight infinity": {"weight": float("inf")},
        "weight -infinity": {"weight": float("-inf")},
        "weight -1": {"weight": -1.0},
        "time infinity": {"occurred_at": "infinity"},
        "time -infinity": {"occurred_at": "-infinity"},
        "time BC": {"occurred_at": "4713-01-01 00:00:00 BC"},
        "time of year 1": {"occurred_at": "0001-01-01 00:00:00+00"},
        "time of year 9999": {"occurred_at": "9999-12-31 23:59:59+00"},
        "time of year 294276": {"occurred_at": "294276-12-31 23:59:59+00"},
        "value -1": {"conversion_value_cents": -1},
        "value at bigint's lower edge": {"conversion_value_cents": -(2**63)},
    }
    good: list[dict[str, Any]] = [
        {"weight": 0.0},
        {"weight": 5e-324},
        {"occurred_at": "1970-01-01 00:00:00+00"},
    ]

    def attack() -> set[str]:
        def taken(columns: dict[str, Any]) -> bool:
            number = next(counter)
            sale = "conversion_value_cents" in columns
            event = purchase(number, at(hours=1), 1) if sale else touch(number, at(hours=1))
            return send(conn, event | columns) == 1

        assert all(taken(columns) for columns in good)
        return {name for name, columns in tried.items() if taken(columns)}

    assert attack() == set()
    world.rewrite("accept_event", "NEW.weight < 0 OR NEW.weight > 1e15", "NEW.weight < 0")
    assert attack() == {"weight NaN", "weight infinity"}
    world.rewrite(
        "accept_event", "NOT isfinite(NEW.occurred_at) OR NEW.occurred_at < '1970-01-01 00:00:00+00'", "0 = 1"
    )
    assert attack() >= {"time -infinity", "time BC", "time of year 1"}
    world.rewrite("accept_event", "NEW.conversion_value_cents < 0 OR ", "")
    assert attack() >= {"value -1", "value at bigint's lower edge"}


def test_23_values_at_the_upper_edge_stay_exact_or_are_refused(world: World) -> None:
    """Two sales of 2^63 - 1: in no report do they wrap, break or lose a cent."""
    conn = world.login(tenant=world.ours)
    edge = 2**63 - 1

    def attack() -> set[str]:
        read = "SELECT v::text FROM attribution.{} AS v"
        broken = {view for view in world.views if state(conn, read.format(view)) not in ("done", "")}
        if breaches := one(world.admin, "SELECT count(*) FROM attribution.verify(%s)", world.ours):
            broken.add(f"verify: {breaches}")
        return broken

    sent = [purchase(n, at(hours=3), edge, session=77, transaction_id="edge") for n in (801, 802)]
    taken = send(conn, *sent)
    assert attack() == set()
    total = (
        "SELECT coalesce(sum(amount_cents), 0) FROM attribution.revenue_ledger WHERE transaction_id = 'edge'"
    )
    assert one(conn, total) == taken * edge
    world.do(
        "CREATE OR REPLACE VIEW attribution.edge WITH (security_invoker) AS"
        " SELECT tenant_id, (2 * 9223372036854775807::numeric)::bigint AS cents"
        " FROM attribution.revenue_ledger",
        "GRANT SELECT ON attribution.edge TO attribution_app",
    )
    world.views["edge"] = "tenant_id"
    assert attack() == {"edge"}


def test_24_keys_are_compared_byte_by_byte(world: World) -> None:
    """Forms of one text are different keys: an event is never mistaken for another, and the docs say so."""
    conn = world.login(tenant=world.ours)

    def attack(stem: str) -> set[str]:
        forms = {
            "NFC": unicodedata.normalize("NFC", stem + "é"),
            "NFD": unicodedata.normalize("NFD", stem + "é"),
            "trailing blank": unicodedata.normalize("NFC", stem + "é "),
            "case": unicodedata.normalize("NFC", stem.upper() + "é"),
        }
        number = sum(map(ord, stem)) * 100
        taken = {
            name: send(conn, touch(number + n, at(hours=1), idempotency_key=key))
            for n, (name, key) in enumerate(forms.items())
        }
        return {name for name, count in taken.items() if count != 1}

    assert attack("a") == set()
    world.rewrite(
        "accept_event",
        "    v_words := concat_ws(",
        "    NEW.idempotency_key := lower(normalize(btrim(NEW.idempotency_key)));\n    v_words := concat_ws(",
    )
    assert attack("b") == {"NFD", "trailing blank", "case"}


def test_24_labels_are_folded(world: World) -> None:
    conn = world.login(tenant=world.ours)
    label = unicodedata.normalize("NFC", "café")
    insert = """
        INSERT INTO attribution.channel_aliases (tenant_id, match_kind, match_value, channel_code)
        VALUES (%s, 'label', %s, 'email')
        """
    world.admin.execute(insert, [world.ours, label])

    def attack() -> set[str]:
        decomposed = unicodedata.normalize("NFD", label)
        forms = {"as is": label, "NFD": decomposed, "blanks": f"  {label} ", "case": "CAFé"}
        return {
            name
            for n, (name, form) in enumerate(forms.items())
            if not one(conn, "SELECT attribution.resolve_channel(%s, %s, NULL)", world.ours, form)
        }

    assert attack() == set()
    world.rewrite("resolve_label", "attribution.fold_label(p_label)", "p_label")
    assert attack() == {"NFD", "blanks", "case"}


def test_25_no_two_lines_share_a_form(world: World) -> None:
    """Hashed text: fields with bare delimiters, or NULL beside '', would make two lines look alike."""
    texts = [None, "", "-", ",", ":", "a", "a,1:b", "1:a", "0:", "b"]

    def attack() -> int:
        query = """
            SELECT count(*) - count(DISTINCT attribution.canonical_form(VARIADIC f.fields))
            FROM (
                SELECT ARRAY[j ->> 0, j ->> 1, j ->> 2] AS fields FROM jsonb_array_elements(%s::jsonb) AS j
            ) AS f
            """
        return int(one(world.admin, query, Jsonb(list(product(texts, repeat=3)))))

    assert attack() == 0
    field = (
        "CREATE OR REPLACE FUNCTION attribution.canonical_field(p_value text)"
        " RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN"
    )
    world.do(f"{field} coalesce(p_value, '-')")
    assert attack() > 0
    prefixed = "octet_length(p_value)::text || ':' || p_value"
    world.do(f"{field} coalesce({prefixed}, '0:')")
    assert attack() > 0, "NULL and '' alike"


def test_34_tampering_is_found(world: World) -> None:
    """A superuser who switches the guards off to edit, delete, insert or re-order is found afterwards."""
    tried = {
        "edit a line": "UPDATE attribution.revenue_ledger SET amount_cents = amount_cents + 1 WHERE {mine}"
        " AND currency = 'EUR'",
        "edit dollars": "UPDATE attribution.revenue_ledger SET amount_usd_cents = 1, fx_rate_used = 1,"
        " fx_conversion_timestamp = posted_at WHERE {mine} AND currency = 'EUR'",
        "edit a channel": "UPDATE attribution.revenue_ledger SET channel_code = 'sms' WHERE {mine}",
        "move cents between two lines": "UPDATE attribution.revenue_ledger AS l"
        " SET (amount_cents, amount_usd_cents) = (l.amount_cents + m.cents, l.amount_cents + m.cents)"
        " FROM (VALUES ('email', 5), ('direct', -5)) AS m (channel_code, cents)"
        " WHERE {mine} AND m.channel_code = l.channel_code AND currency = 'USD'",
        "delete a line": "DELETE FROM attribution.revenue_ledger WHERE {mine} AND channel_code = 'email'",
        "delete every line": "DELETE FROM attribution.revenue_ledger WHERE {mine}",
        "delete lines and batches": "DELETE FROM attribution.revenue_ledger WHERE {mine};"
        " DELETE FROM attribution.ledger_batches WHERE {mine}",
        "delete a batch": "DELETE FROM attribution.ledger_batches WHERE {mine}",
        "insert a line": "INSERT INTO attribution.revenue_ledger SELECT (jsonb_populate_record(l,"
        " jsonb_build_object('id', gen_random_uuid(), 'revision', 9))).*"
        " FROM attribution.revenue_ledger AS l WHERE {mine} AND reverses_id IS NULL",
        "re-order lines": "UPDATE attribution.revenue_ledger SET id = gen_random_uuid() WHERE {mine}",
        "edit a batch": "UPDATE attribution.ledger_batches SET reason = 'as agreed' WHERE {mine}",
        "back-date a batch": "UPDATE attribution.ledger_batches SET posted_at = posted_at - interval '1 day'"
        " WHERE {mine}",
        "edit an allocation": "UPDATE attribution.attribution_allocations SET channel_code = 'sms'"
        ' WHERE {mine} AND "position" = 1',
        "edit a sale": "UPDATE attribution.attribution_events SET conversion_value_cents = 999"
        " WHERE {mine} AND event_kind = 'conversion'",
        "delete a touch": "DELETE FROM attribution.attribution_events WHERE {mine} AND event_kind = 'touch'",
    }  # fmt: skip
    world.do("CALL attribution.run_pending()")

    def attack() -> set[str]:
        """What is done and not found."""
        missed = set()
        for name, statements in tried.items():
            with world.db.connect() as conn:
                for table in world.tables:
                    conn.execute(f"ALTER TABLE attribution.{table} DISABLE TRIGGER ALL".encode())
                conn.execute(statements.format(mine=f"tenant_id = '{world.ours}'").encode())
                if not rows(conn, "SELECT 1 FROM attribution.verify_tenant(%s)", world.ours):
                    missed.add(name)
                assert not rows(conn, "SELECT 1 FROM attribution.verify_tenant(%s)", world.theirs)
                conn.rollback()
        return missed

    assert rows(world.admin, "SELECT * FROM attribution.verify()") == []
    assert attack() == set()
    # Without the hashes, and the seals over them: what only they can find is missed.
    constant = "RETURNS bytea LANGUAGE sql IMMUTABLE RETURN sha256('')"
    world.do(
        "CREATE OR REPLACE FUNCTION attribution.ledger_line_hash(p_line attribution.revenue_ledger) "
        + constant,
        "CREATE OR REPLACE FUNCTION attribution.batch_hash(p_batch attribution.ledger_batches) " + constant,
        "ALTER TABLE attribution.ledger_batches DISABLE TRIGGER ALL",
        "UPDATE attribution.ledger_batches SET entries_hash = sha256(''),"
        " line_hashes = array_fill(sha256(''), ARRAY[entry_count])",
        "ALTER TABLE attribution.ledger_seals DISABLE TRIGGER ALL",
        "DELETE FROM attribution.ledger_seals",
    )
    assert attack() == {"edit a batch", "back-date a batch"}
