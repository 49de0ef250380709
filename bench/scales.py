"""How much work a run is: `tiny` for the tests, `small` for a minute, `full` for the figures of §17."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Scale:
    """Sizes of one scale. Counts of events are rows; of sales, conversions."""

    name: str
    pairs: int
    """Pairs of floor and engine per benchmark, after a warm-up."""
    preloaded: int
    """Sessions that the tables hold before ingest is measured."""
    batch_inserts: int
    """INSERTs of 1,000 rows per sample."""
    single_inserts: int
    """Single-row INSERTs per sample and client."""
    sales_at_once: int
    """Sales per sample that are attributed at once."""
    backfill_sales: int
    growth: tuple[int, ...]
    """Events of the histories over which growth is fitted."""
    touches: int
    """Raw touches from which channel totals are computed."""
    late: tuple[int, int]
    """Events of the short and the long history that a touch comes late into."""
    late_touches: int
    """Late touches per sample."""
    lines: int
    """Ledger lines behind channel_performance."""
    partner_lines: int
    opportunities: int
    reads: int
    """Executions of each read."""
    memory_events: int


SCALES = {
    scale.name: scale
    for scale in (
        Scale(
            "tiny", pairs=2, preloaded=20, batch_inserts=1, single_inserts=5, sales_at_once=5,
            backfill_sales=20, growth=(50, 100), touches=500, late=(50, 200), late_touches=1, lines=100,
            partner_lines=100, opportunities=20, reads=5, memory_events=100,
        ),
        Scale(
            "small", pairs=5, preloaded=2_000, batch_inserts=2, single_inserts=60, sales_at_once=60,
            backfill_sales=400, growth=(500, 2_000, 8_000), touches=5_000, late=(2_000, 100_000),
            late_touches=5, lines=8_000, partner_lines=4_000, opportunities=400, reads=20,
            memory_events=5_000,
        ),
        Scale(
            "medium", pairs=7, preloaded=10_000, batch_inserts=5, single_inserts=500, sales_at_once=300,
            backfill_sales=5_000, growth=(10_000, 100_000, 1_000_000), touches=200_000,
            late=(20_000, 1_000_000), late_touches=20, lines=100_000, partner_lines=50_000,
            opportunities=10_000, reads=50,
            memory_events=100_000,
        ),
        Scale(
            "full", pairs=5, preloaded=20_000, batch_inserts=10, single_inserts=1_000, sales_at_once=500,
            backfill_sales=100_000, growth=(10_000, 100_000, 1_000_000, 10_000_000), touches=1_000_000,
            late=(100_000, 10_000_000), late_touches=50, lines=1_000_000, partner_lines=50_000,
            opportunities=10_000, reads=100, memory_events=1_000_000,
        ),
    )
}  # fmt: skip
