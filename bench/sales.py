"""Conversions: attributed at once, and attributed in bulk from a history that is already there."""

import statistics
from collections.abc import Callable

from bench.explain import keep_plan
from bench.measure import Row, alternate, duration, seconds
from bench.pgbench import WARM_UP, pgbench
from bench.run import Run
from bench.servers import Connection, Database

TOUCHES = 5
TABLES = ("attribution_events", "attribution_allocations", "ledger_batches", "revenue_ledger")
SALE = """
INSERT INTO attribution.attribution_events (
    event_type, session_id, occurred_at, idempotency_key, conversion_value_cents, currency, transaction_id
)
VALUES (
    'purchase', bench.session(1, :n), bench.sold_at(1, :n), 'sale-' || :n, 1000 + :n, 'USD', 'sale-' || :n
);
"""
FINISHED = "INSERT INTO floor.{0} SELECT s.* FROM (SELECT (row).* FROM floor.finished_{0} WHERE n = :n) AS s;"
STAGED = {
    "attribution_allocations": "x.tenant_id = (e.row).tenant_id AND x.event_id = (e.row).id",
    "ledger_batches": "x.tenant_id = (e.row).tenant_id AND x.cause_event_id = (e.row).id",
    "revenue_ledger": "x.tenant_id = (e.row).tenant_id AND x.event_id = (e.row).id",
}
NEW_SALES = """
INSERT INTO floor.finished_attribution_events
SELECT substr(e.idempotency_key, 6)::int, e FROM attribution.attribution_events AS e
WHERE e.event_kind = 'conversion' AND NOT EXISTS (SELECT FROM floor.attribution_events AS f WHERE f.id = e.id)
"""


def at_once(run: Run) -> list[Row]:
    """§17, line 3: a sale is attributed by its own INSERT, under a book and two shadow rules."""
    count = run.scale.sales_at_once
    each = count + WARM_UP
    first: list[float] = []
    with run.database() as database:
        tenant = database.tenant(mode="sync", rules=None)
        database.load(tenant, 1, each * (run.scale.pairs + 1) + 1, touches=TOUCHES, sale=None)
        with database.connect() as conn:
            conn.execute("DELETE FROM attribution.work_queue")
            conn.execute("INSERT INTO floor.attribution_events SELECT * FROM attribution.attribution_events")
            for table in TABLES:
                conn.execute(f"CREATE UNLOGGED TABLE floor.finished_{table} (n int, row attribution.{table})")
                conn.execute(f"CREATE INDEX ON floor.finished_{table} (n)")
            conn.execute("GRANT SELECT ON ALL TABLES IN SCHEMA floor TO bench_app")
        database.settle()
        finished = "\n".join(["BEGIN;", *map(FINISHED.format, TABLES), "COMMIT;"])

        def sample(script: str, prepare: Callable[[], None]) -> Callable[[int], float]:
            def measured(number: int) -> float:
                prepare()
                timing = pgbench(database, tenant, script, clients=1, transactions=count, first=number * each)
                first.append(timing.first)
                return sum(timing.latencies) / count

            return measured

        # The engine first: what it made is then staged and inserted, row by row the same, into the floor.
        pairs = alternate(
            run.scale.pairs, sample(SALE, lambda: None), sample(finished, lambda: stage(database))
        ).swapped()
        same(database)
        keep_plan(
            run,
            database,
            tenant,
            SALE.replace(":n", str(each * (run.scale.pairs + 1) + 1)).strip().rstrip(";"),
        )
    note = f"the first of a connection: {duration(statistics.median(first[::2]))}"
    return [pairs.row(3, f"a sale attributed at once ({TOUCHES} touches, 3 rules)", duration, 2.0, note=note)]


def stage(database: Database) -> None:
    """Lay out the finished rows of the sales that the floor does not have yet."""
    with database.connect() as conn:
        conn.execute(f"TRUNCATE {', '.join(f'floor.finished_{table}' for table in TABLES)}".encode())
        conn.execute(NEW_SALES)
        for table, of_sale in STAGED.items():
            rows = f"SELECT e.n, x FROM floor.finished_attribution_events AS e JOIN attribution.{table} AS x"
            conn.execute(f"INSERT INTO floor.finished_{table} {rows} ON {of_sale}".encode())
        for table in TABLES:
            conn.execute(f"ANALYZE floor.finished_{table}".encode())


def backfill(run: Run) -> list[Row]:
    """§17, line 4: a history of sales, to the ledger, under one book rule."""
    sales = run.scale.backfill_sales
    with run.database() as database:
        tenants = [database.tenant() for _ in range(run.scale.pairs + 2)]
        for tenant in tenants:
            database.load(tenant, 1, sales)
        with database.connect() as conn:
            conn.execute("INSERT INTO floor.attribution_events SELECT * FROM attribution.attribution_events")
        database.settle()

        def engine(number: int) -> float:
            with database.connect() as conn:
                conn.execute("CHECKPOINT")
                return seconds(lambda: attribute(conn, tenants[number]))

        def floor(number: int) -> float:
            copies = [
                f"INSERT INTO floor.{t} SELECT * FROM attribution.{t} WHERE tenant_id = %s"
                for t in TABLES[1:]
            ]
            with database.connect() as conn:
                conn.execute("CHECKPOINT")

                def copy() -> None:
                    with conn.transaction():
                        for statement in copies:
                            conn.execute(statement, [tenants[number]])

                return seconds(copy)

        pairs = alternate(run.scale.pairs, engine, floor).swapped()
        keep_plan(
            run,
            database,
            tenants[-1],
            "SELECT attribution.process_batch(%(tenant)s)",
            {"tenant": tenants[-1]},
            user="postgres",
            from_ms=1,
        )
    work = f"backfill, {sales:,} sales with {sales * 13 // 2:,} touches"
    return [pairs.row(4, work, duration, 1.5)]


def attribute(conn: Connection, tenant: str) -> None:
    """Drain one tenant's queue, batch after batch, as run_pending() does; then seal."""
    while conn.execute("SELECT attribution.process_batch(%s)", [tenant]).fetchone() != (0,):
        pass
    conn.execute("SELECT attribution.seal_ledger(%s)", [tenant])


def same(database: Database) -> None:
    """Raise unless the floor holds the sales, allocations and lines that the engine made."""
    with database.connect() as conn:
        for table in TABLES:
            here, there = (
                conn.execute(
                    f"SELECT count(*), md5(string_agg(id::text, '' ORDER BY id)) FROM {schema}.{table}"
                ).fetchone()
                for schema in ("floor", "attribution")
            )
            if here != there:
                raise AssertionError(f"{table}: the floor holds {here}, the engine {there}")
