"""What the engine's tests share: sending events as an app does, draining the queue, reading what came of it.

Every function takes a connection. `Rows` are compared between tenants, so nothing here returns generated ids.
"""

import contextlib
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

Connection = psycopg.Connection[Any]
Event = Mapping[str, Any]
Rows = list[tuple[Any, ...]]

EPOCH = datetime(2026, 3, 1, tzinfo=UTC)
# In key order where tables reference each other; work_queue is not kept, so it isn't here.
KEPT = (
    "attribution_events", "event_processing", "dead_events", "attribution_rules", "attribution_allocations",
    "ledger_batches", "revenue_ledger", "revenue_state_transitions", "ledger_seals", "allocation_overrides",
)  # fmt: skip


def uid(number: int) -> str:
    """A UUID that sorts as its number: an app may choose the ids of its events."""
    return str(uuid.UUID(int=number))


def at(**ago: float) -> datetime:
    """A fixed point in time and then: `at(days=1, hours=2)`."""
    return EPOCH + timedelta(**ago)


def touch(number: int, when: datetime | None, session: int = 1, **columns: Any) -> dict[str, Any]:
    """A click whose id is its number."""
    return {"id": uid(number), "event_type": "click", "session_id": uid(session), "occurred_at": when,
            "idempotency_key": f"touch-{number}", "channel": "direct"} | columns  # fmt: skip


def purchase(
    number: int, when: datetime | None, cents: int, session: int = 1, **columns: Any
) -> dict[str, Any]:
    """A purchase whose id is its number; its transaction is `sale-<number>`."""
    return {"id": uid(number), "event_type": "purchase", "session_id": uid(session), "occurred_at": when,
            "idempotency_key": f"sale-{number}", "transaction_id": f"sale-{number}",
            "conversion_value_cents": cents, "currency": "USD"} | columns  # fmt: skip


def send(conn: Connection, *events: Event, suffix: str = "") -> int:
    """Insert events with one statement, as an app does; returns how many rows became facts."""
    columns = list(dict.fromkeys(column for event in events for column in event))
    row = sql.SQL("({})").format(sql.SQL(", ").join([sql.Placeholder()] * len(columns)))
    query = sql.SQL("INSERT INTO attribution.attribution_events ({}) VALUES {} {}").format(
        sql.SQL(", ").join(map(sql.Identifier, columns)),
        sql.SQL(", ").join([row] * len(events)),
        sql.SQL(suffix),
    )
    return conn.execute(query, [value(event.get(c)) for event in events for c in columns]).rowcount


def value(given: Any) -> Any:
    """A Python value as a parameter: JSON is wrapped, or handed over as its `text`."""
    if isinstance(given, dict | list):
        return getattr(given, "text", None) or Jsonb(given)
    return given


def use(conn: Connection, tenant: str) -> None:
    """Put a tenant in context for as long as the connection lasts."""
    conn.execute("SELECT set_config('app.current_tenant_id', %s, false)", [tenant])


def new_tenant(conn: Connection, mode: str = "sync", rules: Iterable[Mapping[str, Any]] = ()) -> str:
    """A tenant with further active rules, as attribution_rules has them; returns its id."""
    query = (
        "SELECT tenant_id::text FROM attribution.create_tenant('Shop', 'owner@example.org', p_settings => %s)"
    )
    tenant = str(one(conn, query, Jsonb({"mode": mode})))
    for rule in rules:
        add_rule(conn, tenant, **rule)
    return tenant


def add_rule(conn: Connection, tenant: str, **columns: Any) -> str:
    """Insert a rule, active unless said otherwise; returns its id."""
    row = {"tenant_id": tenant, "status": "active"} | columns
    query = sql.SQL("INSERT INTO attribution.attribution_rules ({}) VALUES ({}) RETURNING id::text").format(
        sql.SQL(", ").join(map(sql.Identifier, row)), sql.SQL(", ").join([sql.Placeholder()] * len(row))
    )
    return str(one(conn, query, *map(value, row.values())))


def drain(conn: Connection) -> None:
    """Let the queue run empty: what a scheduler does."""
    conn.execute("CALL attribution.run_pending()")


def one(conn: Connection, query: Any, *values: Any) -> Any:
    """The one value of a one-row query."""
    row = conn.execute(query, values).fetchone()
    assert row is not None
    return row[0]


def rows(conn: Connection, query: str, *values: Any) -> Rows:
    return conn.execute(query, values).fetchall()


def allocations(conn: Connection, tenant: str) -> Rows:
    """The current allocations, under every rule."""
    return rows(
        conn,
        """
        SELECT
            a.event_id::text, r.name, a.is_book, a.position, a.touch_id::text, a.channel_code, a.campaign_id,
            a.allocation_ratio, a.allocated_revenue_cents, a.currency
        FROM attribution.attribution_allocations AS a
        JOIN attribution.attribution_rules AS r ON r.tenant_id = a.tenant_id AND r.id = a.rule_id
        WHERE a.tenant_id = %s AND a.superseded_at IS NULL
        ORDER BY a.event_id, r.name, a.position
        """,
        tenant,
    )


def balances(conn: Connection, tenant: str) -> Rows:
    """What the ledger holds by transaction, channel, campaign and currency, in minor units; no zeros."""
    return rows(
        conn,
        """
        SELECT l.transaction_id, l.channel_code, l.campaign_id, l.currency, sum(l.amount_cents)::bigint
        FROM attribution.revenue_ledger AS l
        WHERE l.tenant_id = %s
        GROUP BY l.transaction_id, l.channel_code, l.campaign_id, l.currency
        HAVING sum(l.amount_cents) <> 0
        ORDER BY 1, 2, 3, 4
        """,
        tenant,
    )


def credited(conn: Connection, tenant: str, event: str) -> set[str | None]:
    """The touches that the book credits for a conversion."""
    query = """
        SELECT touch_id::text FROM attribution.attribution_allocations
        WHERE tenant_id = %s AND event_id = %s AND is_book AND superseded_at IS NULL
        """
    return {row[0] for row in rows(conn, query, tenant, event)}


def volumes(conn: Connection, tenant: str) -> dict[str, int]:
    """How many rows each table that keeps its rows has."""
    return {
        table: one(conn, f"SELECT count(*) FROM attribution.{table} WHERE tenant_id = %s", tenant)
        for table in KEPT
    }


def breaches(conn: Connection, tenant: str | None = None) -> Rows:
    """What verify() finds: nothing, if all is well."""
    return rows(conn, "SELECT check_name, object, detail FROM attribution.verify(%s)", tenant)


def queued(conn: Connection, tenant: str) -> int:
    """How many statements the queue still holds."""
    return int(one(conn, "SELECT count(*) FROM attribution.work_queue WHERE tenant_id = %s", tenant))


def wait_until(holds: Callable[[], Any]) -> Any:
    """Poll until something holds, and return it; give up after a minute, so that a test can't hang."""
    deadline = time.monotonic() + 60
    while not (result := holds()):
        assert time.monotonic() < deadline, "waited a minute in vain"
        time.sleep(0.01)
    return result


def wait_until_blocked(observer: Connection, pid: int) -> None:
    """Wait until a backend waits for a lock."""
    query = "SELECT count(*) FROM pg_locks WHERE pid = %s AND NOT granted"
    wait_until(lambda: one(observer, query, pid))


@contextlib.contextmanager
def in_background(work: Callable[[], Any]) -> Iterator["Future[Any]"]:
    """Run something in a thread for the time of a `with` block, at whose end it must be through."""
    with ThreadPoolExecutor(1) as pool:
        yield pool.submit(work)


def together(works: Iterable[Callable[[], Any]]) -> list[Any]:
    """Run several things at once, after one barrier; returns their results, raises their first error."""
    todo = list(works)
    barrier = threading.Barrier(len(todo))

    def run(work: Callable[[], Any]) -> Any:
        barrier.wait()
        return work()

    with ThreadPoolExecutor(len(todo)) as pool:
        return list(pool.map(run, todo))
