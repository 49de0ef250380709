"""What a benchmark gets to work with."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from bench.measure import Row
from bench.scales import Scale
from bench.servers import Database, Server


@dataclass(frozen=True)
class Run:
    """One benchmark's run on one server: where, how much, and the directory for what it leaves."""

    name: str
    server: Server
    scale: Scale
    results: Path

    def database(self, suffix: str = "") -> AbstractContextManager[Database]:
        """A fresh database for the time of a `with` block."""
        return self.server.database(f"{self.name}_{suffix}")

    def file(self, suffix: str) -> Path:
        """A file for what this benchmark leaves: plans, plots, the peer's figures."""
        directory = self.results / self.server.name
        directory.mkdir(parents=True, exist_ok=True)
        return directory / f"{self.name}{suffix}"


Benchmark = Callable[[Run], list[Row]]
