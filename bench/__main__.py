"""`python -m bench [NAME…] [--scale small] [--server both]`: measure, print the table, write the results."""

import signal
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import click
import psycopg
from rich.console import Console

from bench import history, ingest, models, reads, report, sales
from bench.measure import Row
from bench.memory import memory
from bench.run import Benchmark, Run
from bench.scales import SCALES, Scale
from bench.servers import Server, available

BENCHMARKS: dict[str, Benchmark] = {
    "ingest-batch": ingest.batch,
    "ingest-single": ingest.single,
    "sale": sales.at_once,
    "backfill": sales.backfill,
    "growth": history.growth,
    "models": models.models,
    "late-touch": history.late_touch,
    "channel-performance": reads.channel_performance,
    "leaderboard": reads.leaderboard,
    "opportunities": reads.opportunities,
    "memory": memory,
}
RESULTS = Path(__file__).with_name("results")
SERVERS = ("embedded18", "debian15")


@click.command()
@click.argument("names", nargs=-1, type=click.Choice([*BENCHMARKS]), metavar="[NAME]…")
@click.option("--scale", "scale_name", type=click.Choice([*SCALES]), default="small", show_default=True)
@click.option("--server", default="both", show_default=True, help="embedded18, debian15, … or both of these.")
@click.option("--results", type=click.Path(path_type=Path), default=RESULTS, help="Where the results go.")
def main(names: Sequence[str], scale_name: str, server: str, results: Path) -> None:
    """Measure the engine beside its floor: all benchmarks, or the NAMEd.

    \b
    Example: python -m bench ingest-batch sale --server embedded18
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C does: the server stops
    console = Console(width=None if Console().is_terminal else 160)
    found = available()
    wanted = [name for name in SERVERS if name in found] if server == "both" else [server]
    for name in wanted:
        if name not in found:
            raise click.UsageError(f"no server {name} here; there are: {', '.join(found) or 'none'}")
    if server == "both" and wanted != [*SERVERS]:
        console.print(f"Of {', '.join(SERVERS)}, here is only: {', '.join(wanted) or 'none'}")
    measured: list[tuple[Server, list[Row]]] = []
    for name in wanted:
        with tempfile.TemporaryDirectory(prefix="pga-bench-", ignore_cleanup_errors=True) as directory:
            Path(directory).chmod(0o755)  # the server's user passes through
            with Server(name, found[name], Path(directory)).running() as running:
                rows = measure(running, SCALES[scale_name], names or [*BENCHMARKS], results, console)
                report.write(results / f"{name}.json", running, SCALES[scale_name], rows)
                measured.append((running, rows))
    for running, rows in measured:
        report.show(running, SCALES[scale_name], rows, console)
    if any(row.failed for _, rows in measured for row in rows):
        raise SystemExit(1)


def measure(server: Server, scale: Scale, names: Sequence[str], results: Path, console: Console) -> list[Row]:
    """Run benchmarks one after the other on a running server; one that fails does not stop the others."""
    rows = []
    for name in names:
        console.print(f"{server.name}: {name} …", end=" ", highlight=False)
        start = time.perf_counter()
        try:
            rows += BENCHMARKS[name](Run(name, server, scale, results.absolute()))
        except (AssertionError, RuntimeError, psycopg.Error, subprocess.CalledProcessError) as error:
            console.print(f"failed: {error}", highlight=False, markup=False)
            rows.append(
                Row(0, name, "", "", float("nan"), note=f"failed: {str(error).splitlines()[0]}", failed=True)
            )
        else:
            console.print(f"{time.perf_counter() - start:.1f} s", highlight=False)
    return rows


if __name__ == "__main__":
    main()
