"""What history costs: late touches into long and short ones, and growth with size."""

import statistics
from contextlib import ExitStack
from functools import partial
from itertools import pairwise

from bench.explain import keep_plan
from bench.measure import Row, alternate, duration, exponent, seconds
from bench.plot import plot
from bench.run import Run
from bench.sales import attribute
from bench.servers import Connection, Database

LATE = """
INSERT INTO attribution.attribution_events (event_type, session_id, occurred_at, idempotency_key, channel)
VALUES (
    'click', bench.session(1, %(n)s), bench.sold_at(1, %(n)s) - interval '1 hour', 'late-' || %(n)s, 'email'
)
"""
EVENTS_PER_SALE = 7.5
MULTIPLIED_FROM = 2_000
"""Longer histories are multiplied from one of so many sales: attributing them all is backfill's work."""
BACKFILLED_UP_TO = 1_000_000
REPEATED_UP_TO = 100_000


def late_touch(run: Run) -> list[Row]:
    """§17, line 6: one more touch before a sale, sent and restated, in a short and in a long history."""
    with ExitStack() as stack:
        short, long = (stack.enter_context(run.database(str(size))) for size in run.scale.late)
        samples = []
        for database, size in zip((short, long), run.scale.late, strict=True):
            tenant = grown(database, size)
            app, worker = stack.enter_context(database.app(tenant)), stack.enter_context(database.connect())
            samples.append(Late(app, worker, tenant, run.scale.late_touches))
        pairs = alternate(run.scale.pairs, *samples)
        samples[1].app.execute(LATE, {"n": samples[1].sent + 1})
        work_off = "SELECT attribution.process_batch(%(tenant)s)"
        keep_plan(run, long, samples[1].tenant, work_off, {"tenant": samples[1].tenant}, user="postgres")
    work = f"a late touch, {run.scale.late[1]:,} events of history (floor: {run.scale.late[0]:,})"
    return [pairs.row(6, work, duration, 1.2)]


class Late:
    """A sample of late touches: each is sent by the app, then worked off."""

    def __init__(self, app: Connection, worker: Connection, tenant: str, count: int) -> None:
        self.app, self.worker, self.tenant, self.count, self.sent = app, worker, tenant, count, 0

    def __call__(self, number: int) -> float:
        return statistics.median(self.one() for _ in range(self.count))

    def one(self) -> float:
        self.sent += 1
        return seconds(self.send)

    def send(self) -> None:
        self.app.execute(LATE, {"n": self.sent})
        attribute(self.worker, self.tenant)


def grown(database: Database, events: int) -> str:
    """A tenant whose history of so many events is attributed."""
    tenant = database.tenant()
    sales = int(events / EVENTS_PER_SALE)
    copies = max(0, round(sales / MULTIPLIED_FROM) - 1)
    database.load(tenant, 1, sales // (copies + 1))
    with database.connect() as conn:
        attribute(conn, tenant)
        if copies:
            conn.execute("SELECT bench.multiply(%s, %s)", [tenant, copies])
    database.settle()
    return tenant


def growth(run: Run) -> list[Row]:
    """§17, line 4, second half, and the curves: backfill and late touch by size, with fitted exponents."""
    backfill: dict[int, float] = {}
    late: dict[int, float] = {}
    for size in run.scale.growth:
        with run.database(str(size)) as database:
            if size <= BACKFILLED_UP_TO:
                backfill[size], tenant = backfilled(database, size)
            else:
                tenant = grown(database, size)
            with database.app(tenant) as app, database.connect() as worker:
                sample = Late(app, worker, tenant, run.scale.late_touches)
                sample(0)
                late[size] = sample(1)
    picture = plot(run.file(".png"), {"backfill": backfill, "late touch": late}, run.server.name)
    sizes = sorted(backfill)
    steps = [backfill[b] / backfill[a] * 10 / (b / a) for a, b in pairwise(sizes)]
    shown = ", ".join(f"{size:,}: {duration(time)}" for size, time in backfill.items())
    rows = [
        Row(
            4, f"backfill, ten times the data ({sizes[0]:,} to {sizes[-1]:,} events)", "ten times as long",
            shown,
            max(steps), low=min(steps), high=max(steps), target=11.0, note=f"plot: {picture}",
            samples={str(size): time for size, time in backfill.items()},
        ),
    ]  # fmt: skip
    for name, times in (("backfill", backfill), ("late touch", late)):
        shown = ", ".join(f"{size:,}: {duration(time)}" for size, time in times.items())
        rows.append(
            Row(0, f"growth of {name}: exponent", "", shown, exponent([*times], [*times.values()]), unit="")
        )
    return rows


def backfilled(database: Database, events: int) -> tuple[float, str]:
    """The time to attribute a history: of short ones, the median of three; and a tenant that has it."""
    tenants = [database.tenant() for _ in range(3 if events <= REPEATED_UP_TO else 1)]
    warm_up = database.tenant()
    database.load(warm_up, 1, 10)
    for tenant in tenants:
        database.load(tenant, 1, int(events / EVENTS_PER_SALE))
    database.settle()
    with database.connect() as conn:
        attribute(conn, warm_up)
        times = [seconds(partial(attribute, conn, tenant)) for tenant in tenants]
    database.settle()
    return statistics.median(times), tenants[0]
