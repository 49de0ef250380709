"""Reads: the views of people and dashboards, as the app's role, by their slowest twentieth."""

from collections.abc import Mapping, Sequence
from functools import partial

from bench.explain import keep_plan
from bench.measure import Row, duration, percentile, seconds
from bench.run import Run
from bench.sales import attribute
from bench.servers import Connection, Database

DAYS = "SELECT * FROM attribution.channel_performance WHERE day >= '2026-01-01' AND day < '2026-04-01'"
LEADERBOARD = "SELECT * FROM attribution.partner_leaderboard"
ANALYTICS = {
    "model_comparison": "SELECT * FROM attribution.model_comparison",
    "journey_paths": "SELECT * FROM attribution.journey_paths ORDER BY conversions DESC LIMIT 20",
    "daily_revenue_summary": "SELECT * FROM attribution.daily_revenue_summary",
}
BY_KEY = "SELECT * FROM attribution.attribution_events WHERE tenant_id = %(tenant)s AND id = %(id)s"
LINES_PER_SALE = 6.5
WARM_UP = 6


def channel_performance(run: Run) -> list[Row]:
    """§17, line 7: 90 days of one tenant."""
    with run.database() as database:
        tenant, lines = attributed(database, int(run.scale.lines / LINES_PER_SALE))
        return [read(run, database, tenant, 7, f"channel_performance, 90 days, {lines:,} lines", DAYS, 0.050)]


def leaderboard(run: Run) -> list[Row]:
    """§17, line 8, first half: what partners earned."""
    with run.database() as database:
        tenant, lines = attributed(database, int(run.scale.partner_lines / LINES_PER_SALE), partners=True)
        return [read(run, database, tenant, 8, f"partner_leaderboard, {lines:,} lines", LEADERBOARD, 0.100)]


def opportunities(run: Run) -> list[Row]:
    """§17, line 8, second half: each analysis of a funnel's history."""
    with run.database() as database:
        count = run.scale.opportunities
        tenant, _ = attributed(database, count, sale="opportunity_won", shadows=True)
        return [
            read(run, database, tenant, 8, f"{name}, {count:,} opportunities", query, 0.100, part=name)
            for name, query in ANALYTICS.items()
        ]


def attributed(
    database: Database, sales: int, *, shadows: bool = False, **options: object
) -> tuple[str, int]:
    """A tenant with so many sales in the ledger and in the summaries, and the number of its lines."""
    tenant = database.tenant(rules=None if shadows else ("position_based_30d",))
    database.load(tenant, 1, sales, **options)
    with database.connect() as conn:
        attribute(conn, tenant)
        conn.execute("SELECT attribution.fold_summaries(%s)", [tenant])
        found = conn.execute("SELECT count(*) FROM attribution.revenue_ledger").fetchone()
    database.settle()
    return tenant, found[0] if found else 0


def read(
    run: Run, database: Database, tenant: str, line: int, work: str, query: str, target: float, *,
    part: str = "",
) -> Row:  # fmt: skip
    """Execute a read and a look-up by key in turn; the figure is the read's 95th percentile in ms."""
    with database.app(tenant) as conn:
        keys = conn.execute(
            "SELECT id FROM attribution.attribution_events LIMIT %s", [run.scale.reads]
        ).fetchall()
        floors, times = in_turn(conn, tenant, query, [key for (key,) in keys], run.scale.reads)
    keep_plan(run, database, tenant, query, part=part)
    floor, figure = percentile(floors, 0.95), percentile(times, 0.95)
    return Row(
        line, f"{work}: p95", duration(floor), duration(figure), figure * 1e3, unit=" ms",
        target=target * 1e3, low=min(times) * 1e3, high=max(times) * 1e3,
        samples={"floor": floors, "engine": times},
    )  # fmt: skip


def in_turn(
    conn: Connection, tenant: str, query: str, keys: Sequence[object], count: int
) -> tuple[list[float], list[float]]:
    """The seconds of `count` look-ups and as many reads, once the connection is warm, as a pool's are."""
    floors, times = [], []
    for number in range(WARM_UP + count):
        key = {"tenant": tenant, "id": keys[number % len(keys)]}
        floors.append(seconds(partial(fetch, conn, BY_KEY, key)))
        times.append(seconds(partial(fetch, conn, query)))
    return floors[WARM_UP:], times[WARM_UP:]


def fetch(conn: Connection, query: str, values: Mapping[str, object] | None = None) -> None:
    conn.execute(query.encode(), values).fetchall()
