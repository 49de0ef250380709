"""Ingest: rows of a table through every check, beside the same rows into a bare table."""

import random
from collections.abc import Callable, Mapping
from typing import Any

from bench.explain import keep_plan
from bench.measure import Pairs, Row, alternate, duration, percentile, seconds
from bench.pgbench import WARM_UP, Timing, pgbench
from bench.run import Run
from bench.servers import Connection, Database

ROWS = 1_000
CLIENTS = 8
TYPES = {
    "event_type": "text", "session_id": "uuid", "occurred_at": "timestamptz", "idempotency_key": "text",
    "channel": "text", "campaign_id": "text", "raw_payload": "jsonb",
}  # fmt: skip
RESOLVED = {"event_kind": "text", "channel_code": "text"}
"""What the engine finds out by itself and the floor is given."""
LABELS = {
    "facebook_paid": "facebook_paid", "Facebook Ads": "facebook_paid", "organic": "organic", "email": "email",
    "google_search_paid": "google_search_paid", "Google Ads": "google_search_paid", "direct": "direct",
    "tiktok_paid": "tiktok_paid", "google_display_paid": "google_display_paid", "referral": "referral",
    "affiliate": "affiliate", "facebook_brand": "facebook_brand",
}  # fmt: skip
ONE = """
INSERT INTO {table} (event_type, session_id, occurred_at, idempotency_key, channel, raw_payload{names})
VALUES ('click', md5('s' || (:n / 5))::uuid, bench.sold_at(1, :n), '{prefix}-' || :n,
    bench.label(:n), '{{"page": "/p/17", "device": "phone"}}'{values});
"""


def batch(run: Run) -> list[Row]:
    """§17, line 1: INSERTs of 1,000 rows."""
    with run.database() as database:
        tenant = prepared(run, database)
        inserts = run.scale.batch_inserts

        def sample(
            conn: Connection, table: str, columns: Mapping[str, str], prefix: str
        ) -> Callable[[int], float]:
            statement = insert(table, columns)

            def measured(number: int) -> float:
                given = [touches(f"{prefix}-{number}-{i}", columns) for i in range(inserts)]
                return seconds(lambda: [conn.execute(statement, values) for values in given]) / inserts

            return measured

        with database.app(tenant) as floor, database.app(tenant) as engine:
            pairs = alternate(
                run.scale.pairs,
                sample(floor, "floor.attribution_events", TYPES | RESOLVED, "batch"),
                sample(engine, "attribution.attribution_events", TYPES, "batch"),
            )
        same_rows(database, tenant)
        statement = insert("attribution.attribution_events", TYPES)
        keep_plan(run, database, tenant, statement, touches("plan", TYPES))
    return [pairs.row(1, f"ingest, INSERTs of {ROWS:,} rows", duration, 1.5)]


def single(run: Run) -> list[Row]:
    """§17, line 2: single-row autocommit from 8 clients, the rate and the slowest of a hundred."""
    timings: dict[str, list[Timing]] = {"floor": [], "engine": []}
    with run.database() as database:
        tenant = prepared(run, database)

        def sample(side: str, script: str) -> Callable[[int], float]:
            def measured(number: int) -> float:
                count = run.scale.single_inserts
                timing = pgbench(
                    database,
                    tenant,
                    script,
                    clients=CLIENTS,
                    transactions=count,
                    first=number * (count + WARM_UP),
                )
                if number:
                    timings[side].append(timing)
                return timing.rate

            return measured

        given = {"names": ", event_kind, channel_code", "values": ", 'touch', bench.code(:n)"}
        scripts = {
            "floor": ONE.format(table="floor.attribution_events", prefix="single", **given),
            "engine": ONE.format(
                table="attribution.attribution_events", prefix="single", names="", values=""
            ),
        }
        rates = alternate(run.scale.pairs, *(sample(side, script) for side, script in scripts.items()))
        same_rows(database, tenant)
        plan = scripts["engine"].replace(":n", "999999").strip().rstrip(";")
        keep_plan(run, database, tenant, plan)
    tails = Pairs(*([percentile(t.latencies, 0.99) for t in timings[side]] for side in ("floor", "engine")))
    work = f"ingest, single rows, {CLIENTS} clients"
    return [
        rates.row(2, f"{work}: rate", lambda rate: f"{rate:,.0f}/s", 0.7, at_least=True),
        tails.row(2, f"{work}: p99", duration, 2.0),
    ]


def prepared(run: Run, database: Database) -> str:
    """A tenant with some history, and the same rows in the floor's table."""
    tenant = database.tenant()
    database.load(tenant, 1, run.scale.preloaded, sale=None)
    with database.connect() as conn:
        conn.execute("DELETE FROM attribution.work_queue")
        conn.execute("INSERT INTO floor.attribution_events SELECT * FROM attribution.attribution_events")
    database.settle()
    return tenant


def insert(table: str, columns: Mapping[str, str]) -> str:
    """One INSERT of many rows: an array per column."""
    arrays = ", ".join(f"%({name})s::{kind}[]" for name, kind in columns.items())
    return f"INSERT INTO {table} ({', '.join(columns)}) SELECT * FROM unnest({arrays})"


def touches(prefix: str, columns: Mapping[str, str]) -> dict[str, Any]:
    """A thousand touches as array literals, ready to send: the client's work is not measured."""
    rng = random.Random(prefix)
    labels = rng.choices(tuple(LABELS), k=ROWS)
    campaigns = [f"campaign-{rng.randrange(10)}" if rng.random() < 0.5 else None for _ in labels]
    pages = [f'{{"page": "/p/{rng.randrange(200)}", "device": "phone"}}' for _ in labels]
    values: dict[str, list[str | None]] = {
        "event_type": ["click"] * ROWS,
        "session_id": [f"{rng.getrandbits(128):032x}" for _ in labels],
        "occurred_at": [f"2026-02-{rng.randint(1, 28):02}T{rng.randrange(24):02}:00:00Z" for _ in labels],
        "idempotency_key": [f"{prefix}-{i}" for i in range(ROWS)],
        "channel": [*labels],
        "campaign_id": [*campaigns],
        "raw_payload": [*pages],
        "event_kind": ["touch"] * ROWS,
        "channel_code": [LABELS[label] for label in labels],
    }
    return {name: "{" + ",".join(map(quoted, values[name])) + "}" for name in columns}


def quoted(value: str | None) -> str:
    return "NULL" if value is None else '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def same_rows(database: Database, tenant: str) -> None:
    """Raise unless floor and engine hold the same facts: nothing was refused, nothing was left out."""
    facts = """
        SELECT
            count(*), count(DISTINCT idempotency_key),
            md5(string_agg(channel_code, '' ORDER BY idempotency_key))
        FROM {}.attribution_events
        """
    with database.connect() as conn:
        floor, engine = (conn.execute(facts.format(schema)).fetchone() for schema in ("floor", "attribution"))
    if floor != engine:
        raise AssertionError(f"the floor holds {floor}, the engine {engine}")
