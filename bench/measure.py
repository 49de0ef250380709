"""Measuring: floor and engine in turn, ratios of neighbours, their median and spread."""

import math
import statistics
import timeit
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

Sample = Callable[[int], float]
"""Does the work of sample `n` (0, 1, …), prepares what it needs unmeasured, returns what was measured."""


@dataclass
class Row:
    """One line of the table. `line` is that of DESIGN.md §17, from 1; 0 for what is measured besides.

    `target` is the ratio (or, without a floor, the figure) to reach; `at_least` turns it round.
    """

    line: int
    work: str
    floor: str
    engine: str
    figure: float
    unit: str = ""
    low: float | None = None
    high: float | None = None
    target: float | None = None
    at_least: bool = False
    note: str = ""
    failed: bool = False
    samples: dict[str, Any] = field(default_factory=dict)

    @property
    def reached(self) -> bool | None:
        """Whether the target is reached; None where there is none, or the work could not be done."""
        if self.target is None or math.isnan(self.figure):
            return None
        return self.figure >= self.target if self.at_least else self.figure <= self.target


@dataclass(frozen=True)
class Pairs:
    """What was measured of floor and engine, sample by sample."""

    floor: list[float]
    engine: list[float]

    @property
    def ratios(self) -> list[float]:
        return [engine / floor for floor, engine in zip(self.floor, self.engine, strict=True)]

    def swapped(self) -> "Pairs":
        """The same, of a run in which the engine had to go first."""
        return Pairs(self.engine, self.floor)

    def row(
        self, line: int, work: str, show: Callable[[float], str], target: float | None, **more: Any
    ) -> Row:
        """The line of the table: medians, and the ratio with its quartiles. `show` formats a sample."""
        low, middle, high = quartiles(self.ratios)
        floor, engine = statistics.median(self.floor), statistics.median(self.engine)
        return Row(
            line, work, show(floor), show(engine), middle, low=low, high=high, target=target,
            samples={"floor": self.floor, "engine": self.engine}, **more,
        )  # fmt: skip


def alternate(pairs: int, floor: Sample, engine: Sample) -> Pairs:
    """A B A B …, after a warm-up of each that does not count: neighbours meet the same noise."""
    floor(0), engine(0)
    measured = [(floor(number), engine(number)) for number in range(1, pairs + 1)]
    return Pairs([pair[0] for pair in measured], [pair[1] for pair in measured])


def seconds(work: Callable[[], object]) -> float:
    """How long something takes; the collection of this process's own garbage waits, as timeit has it."""
    return timeit.timeit(work, number=1)


def quartiles(values: Sequence[float]) -> tuple[float, float, float]:
    """Lower quartile, median, upper quartile."""
    if len(values) < 2:
        return values[0], values[0], values[0]
    low, middle, high = statistics.quantiles(values, n=4, method="inclusive")
    return low, middle, high


def percentile(values: Sequence[float], share: float) -> float:
    """The value that `share` of the values do not exceed: the nearest rank, never interpolated."""
    ordered = sorted(values)
    return ordered[math.ceil(share * len(ordered)) - 1]


def exponent(sizes: Sequence[float], times: Sequence[float]) -> float:
    """k of time = c · size^k, by least squares of the logarithms: 1 is linear, 0 does not grow."""
    return statistics.linear_regression([math.log(x) for x in sizes], [math.log(y) for y in times]).slope


def duration(value: float) -> str:
    """Seconds for people: 2.31 s, 4.70 ms, 85 µs."""
    for limit, factor, unit in ((1, 1, "s"), (1e-3, 1e3, "ms")):
        if value >= limit:
            return f"{value * factor:.3g} {unit}"
    return f"{value * 1e6:.0f} µs"
