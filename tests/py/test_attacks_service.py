"""ATTACKS.md, Denial of service (19 to 22): no tenant's client stops another's work, or the server's.

Of 21, what concerns a login of an app (statement_timeout and the like) is set by whoever makes the login:
docs/operations.md says how. Here stands what the engine does for itself.
"""

import secrets
from collections.abc import Iterator
from typing import Any

import attacks
import psycopg
import pytest
from attacks import PRIVILEGE, ROLES, World, state
from engine import at, in_background, one, queued, rows, send, touch, wait_until_blocked
from servers import Database

MODES = ("SHARE ROW EXCLUSIVE", "EXCLUSIVE", "ACCESS EXCLUSIVE")


@pytest.fixture
def world(db: Database, login: attacks.Login) -> Iterator[World]:
    with db.connect(autocommit=True) as admin:
        yield attacks.build(db, admin, login)


def test_19_the_engine_takes_no_advisory_lock(world: World) -> None:
    """An advisory lock can be held by anybody who guesses its number: the engine never waits for one."""

    def attack() -> set[int]:
        held = set()
        with world.db.connect() as conn:
            for call in ("process_batch(%s)", "rebuild(%s)", "verify(%s)", "set_tenant(%s)"):
                conn.execute(f"SELECT * FROM attribution.{call}".encode(), [world.ours])
                query = "SELECT objid FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()"
                held |= {row[0] for row in rows(conn, query)}
            send(conn, touch(600 + secrets.randbelow(10**6), at(hours=1)))
            held |= {row[0] for row in rows(conn, query)}
            conn.rollback()
        return held

    assert attack() == set()
    assert world.functions("p.prosrc ~* 'advisory'") == {}
    world.rewrite(
        "process_batch", "PERFORM attribution.require_read_committed()", "PERFORM pg_advisory_xact_lock(7)"
    )
    assert attack() == {7}


@pytest.mark.parametrize("role", ROLES)
def test_20_no_client_locks_a_table_away(world: World, role: str) -> None:
    conn = world.login(role, world.ours)
    query = "SELECT relname FROM pg_class WHERE relnamespace = 'attribution'::regnamespace AND relkind = 'r'"
    tables = [row[0] for row in rows(world.admin, query)]

    def attack() -> set[tuple[str, str]]:
        return {
            (table, mode)
            for table in tables
            for mode in MODES
            if state(conn, f"LOCK TABLE attribution.{table} IN {mode} MODE") != PRIVILEGE
        }

    assert attack() == set()
    for table in tables[::5]:
        with world.broken(
            f"GRANT UPDATE ON attribution.{table} TO {role}",
            f"REVOKE UPDATE ON attribution.{table} FROM {role}",
        ):
            assert attack() == {(table, mode) for mode in MODES}


def test_21_a_runner_does_not_wait_for_ever(world: World) -> None:
    """A forgotten transaction holds a conversion: the runner gives up, says so, and nothing is lost."""
    waiting = {name: f"attribution.{name}" for name in ("process_batch", "rebuild")}

    def attack() -> set[str]:
        query = "SELECT proconfig::text ~ 'lock_timeout=[1-9]' FROM pg_proc WHERE oid = %s::regproc"
        return {name for name, function in waiting.items() if not one(world.admin, query, function)}

    assert attack() == set()
    world.do("ALTER FUNCTION attribution.process_batch(uuid, int) SET lock_timeout = '50ms'")
    with world.db.connect() as forgotten:
        lock = "SELECT FROM attribution.event_processing WHERE tenant_id = %s FOR UPDATE"
        forgotten.execute(lock, [world.ours])
        before = queued(world.admin, world.ours)
        assert before and state(world.admin, "SELECT attribution.process_batch(%s)", world.ours) == "55P03"
        assert queued(world.admin, world.ours) == before

        world.do("ALTER FUNCTION attribution.process_batch(uuid, int) RESET lock_timeout")
        with world.db.connect(autocommit=True) as runner:
            pid = runner.info.backend_pid
            batch = "SELECT attribution.process_batch(%s)"
            with in_background(lambda: state(runner, batch, world.ours)) as answer:
                wait_until_blocked(world.admin, pid)
                forgotten.rollback()
            assert answer.result() == "done", "without it, the runner waits as long as the other sits there"
    assert attack() == {"process_batch"}


def hostile(number: int) -> dict[str, tuple[dict[str, Any], str]]:
    """What an attacker sends as one row among good ones, and the error code it must get; "" if it is a fact.

    A payload is given as JSON text, so that the server reads what no client library would write.
    """
    nested, sized = "{}", '{{"a": "{}"}}'
    for _ in range(100):
        nested = f'{{"a": {nested}}}'
    return {
        "100 levels": ({"raw_payload": nested}, ""),
        "2,000 levels": ({"raw_payload": '{"a":' + "[" * 2000 + "]" * 2000 + "}"}, "any"),
        "64 KiB": ({"raw_payload": sized.format("x " * 32760)}, ""),
        "1 MiB": ({"raw_payload": sized.format("x " * 2**19)}, "PAYLOAD_TOO_LARGE"),
        "a number of 131,072 digits": ({"raw_payload": '{"a": 1e131071}'}, "INVALID_VALUE"),
        "a number of 16,383 decimals": ({"raw_payload": '{"a": [{"b": -1e-16383}]}'}, "INVALID_VALUE"),
        "4,000 of them": ({"raw_payload": '{"a": [' + ",".join(["1e131071"] * 4000) + "]}"}, "INVALID_VALUE"),
        "10,000 keys": ({"raw_payload": "{" + ",".join(f'"{n}":1' for n in range(5000)) + "}"}, ""),
        "a key of 10 KB": ({"idempotency_key": secrets.token_hex(5000)}, "INVALID_VALUE"),
        "a transaction of 10 KB": (
            {
                "transaction_id": secrets.token_hex(5000),
                "event_type": "purchase",
                "conversion_value_cents": 1,
                "currency": "USD",
            },
            "INVALID_VALUE",
        ),
        "a label of 1 MB": ({"channel": "x" * 10**6}, "INVALID_VALUE"),
        "a campaign of 10 KB": ({"campaign_id": "é" * 5000}, "INVALID_VALUE"),
        "an event type of 1 MB": ({"event_type": "y" * 10**6}, "INVALID_VALUE"),
        "a key of 512 bytes": ({"idempotency_key": str(number) + secrets.token_hex(250)}, ""),
    }


def test_22_hostile_rows_are_refused_by_name_and_lose_no_batch(world: World) -> None:
    conn = world.login(tenant=world.ours)
    counter = iter(range(1000, 10**6, 10))

    def attack() -> set[str]:
        through = set()
        for name, (columns, code) in hostile(number := next(counter)).items():
            number = next(counter)
            batch = [touch(number + n, at(hours=1), raw_payload=None) for n in range(3)]
            batch[1] |= {"idempotency_key": f"hostile-{number}"} | columns
            columns_of = list(batch[0] | batch[1])
            row = "(" + ", ".join("%s::jsonb" if c == "raw_payload" else "%s" for c in columns_of) + ")"
            into = f"attribution.attribution_events ({', '.join(columns_of)})"
            insert = f"INSERT INTO {into} VALUES {row}, {row}, {row}"
            values = [event.get(c) for event in batch for c in columns_of]
            dead = "SELECT id FROM attribution.dead_events WHERE tenant_id = %s"
            before = set(rows(world.admin, dead, world.ours))
            try:
                taken = conn.execute(insert.encode(), values).rowcount
            except psycopg.Error as error:
                through.add(f"{name}: {error.sqlstate}, and the batch is lost")
                continue
            letters = "SELECT error_code FROM attribution.dead_events WHERE id = ANY (%s)"
            new = [row[0] for row in set(rows(world.admin, dead, world.ours)) - before]
            found = [row[0] for row in rows(world.admin, letters, new)]
            if (taken, found) not in {"": [(3, [])], "any": [(3, []), (2, ["INVALID_VALUE"])]}.get(
                code, [(2, [code])]
            ):
                through.add(f"{name}: {taken} taken, {found}")
        return through

    assert attack() == set()
    world.rewrite("check_payload", "IF v_bytes > 65536 THEN", "IF v_bytes > 65536000 THEN")
    assert attack() == {"1 MiB: 3 taken, []"}
    world.rewrite("accept_event", ") > 512 THEN", ") > 512000000 THEN")
    lost = {line for line in attack() if "54000" in line}
    assert {line.split(":")[0] for line in lost} >= {"a key of 10 KB", "a transaction of 10 KB"}


def test_22_what_the_parser_refuses_it_refuses_by_name(world: World) -> None:
    """JSON beyond the server's own limits fails its statement with a name, and the connection lives on."""
    conn = world.login(tenant=world.ours)
    refused = {
        '{"a": 1e131072}': "22003",
        '{"a":' * 100_000 + "1" + "}" * 100_000: "54001",
        '{"a": "\\u0000"}': "22P05",
        '{"a": NaN}': "22P02",
        '{"a": Infinity}': "22P02",
    }
    insert = """
        INSERT INTO attribution.attribution_events (event_type, session_id, channel, raw_payload)
        VALUES ('click', gen_random_uuid(), 'email', %s::jsonb)
        """
    for text, code in refused.items():
        assert state(conn, insert, text) == code, text[:20]
    assert send(conn, touch(500, at(hours=1))) == 1


def test_22_a_compressed_payload_is_measured_as_it_reads(world: World) -> None:
    """A stored, compressed datum is small: what counts is what it unpacks to."""
    conn = world.login(tenant=world.ours)
    conn.execute("CREATE TEMP TABLE packed (j jsonb)")
    conn.execute("INSERT INTO packed VALUES (jsonb_build_object('a', repeat('x ', 2000000)))")
    assert one(conn, "SELECT pg_column_size(j) < 65536 FROM packed")

    def attack() -> int:
        insert = """
            INSERT INTO attribution.attribution_events (event_type, session_id, channel, raw_payload)
            SELECT 'click', gen_random_uuid(), 'email', j FROM packed
            """
        return conn.execute(insert).rowcount

    assert attack() == 0
    code = "SELECT error_code FROM attribution.dead_events WHERE tenant_id = %s ORDER BY id DESC LIMIT 1"
    assert one(world.admin, code, world.ours) == "PAYLOAD_TOO_LARGE"
    world.rewrite("check_payload", "octet_length(p_payload::text)", "65536")
    assert attack() == 1
