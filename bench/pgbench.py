"""pgbench as the client of concurrent and of small work: no Python between the clock and the server."""

import statistics
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from bench.servers import APP, Database, context


@dataclass(frozen=True)
class Timing:
    """What pgbench saw: transactions per second, and each transaction's seconds."""

    rate: float
    latencies: list[float]
    first: float
    """Seconds of the first transaction of a connection."""


WARM_UP = 10
"""Transactions of each connection that do not count."""


def pgbench(
    database: Database, tenant: str, script: str, *, clients: int, transactions: int, first: int
) -> Timing:
    """Run a script as the app: `transactions` times on each of `clients` connections, once these are warm.

    A new connection plans its first statements anew; an app's pool has that behind it. In the script, :n
    counts up from `first` + 1, differently on each connection. Raises RuntimeError, with pgbench's words,
    when a transaction fails.
    """
    numbered = f"\\set n :n + 1\n\\set n :n % 10000000 + 10000000 * :client_id\n{script}"
    with tempfile.TemporaryDirectory(prefix="pga-pgbench-") as directory:
        file = Path(directory, "script.sql")
        file.write_text(numbered, encoding="utf-8")
        command = [
            str(database.server.bindir / "pgbench"), "--no-vacuum", "--protocol=prepared",
            f"--client={clients}", f"--jobs={min(clients, 2)}", f"--transactions={WARM_UP + transactions}",
            f"--define=n={first}", f"--file={file}", "--log", f"--log-prefix={directory}/log",
            database.url(APP, options=context(tenant)),
        ]  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True, cwd=directory, check=False)
        if done.returncode:
            raise RuntimeError(f"pgbench failed:\n{done.stderr[-2000:]}")
        lines = [line for log in Path(directory).glob("log.*") for line in log.read_text().splitlines()]
    # Of each transaction: client, number, microseconds, …
    seen = [tuple(map(int, line.split()[:3])) for line in lines]
    latencies = [microseconds / 1e6 for _, number, microseconds in seen if number > WARM_UP]
    first_ones = [microseconds / 1e6 for _, number, microseconds in seen if number == 1]
    return Timing(clients / statistics.mean(latencies), latencies, statistics.median(first_ones))
