"""The benchmarks run: each line of DESIGN.md §17 gets its row, whatever the times are.

No time is looked at. What must be equal, however fast (the facts, the totals), the benchmarks compare by
themselves; the peer's place is taken by a few lines of Python, so that no test needs a package index.
"""

import csv
import json
import math
from collections import defaultdict
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from click.testing import CliRunner
from psycopg.errors import Diagnostic
from servers import Server

from bench import models
from bench.__main__ import BENCHMARKS, main
from bench.explain import Watcher
from bench.measure import Pairs, Row, alternate, duration, exponent, percentile

LINES = range(1, 9)

Weights = Callable[[int, list[float]], list[float]]
WEIGHTS: dict[str, Weights] = {
    "first_click": lambda n, hours: [1.0] + [0.0] * (n - 1),
    "last_click": lambda n, hours: [0.0] * (n - 1) + [1.0],
    "linear": lambda n, hours: [1.0] * n,
    "position_based": lambda n, hours: [1.0] * n if n < 3 else [0.4] + [0.2 / (n - 2)] * (n - 2) + [0.4],
    "time_decay": lambda n, hours: [0.5 ** (hour / 168) for hour in hours],
}


def peer(_python: Path, file: Path) -> dict[str, Any]:
    """What Marketing-Attribution-Models answers."""
    touches, cents = defaultdict(list), {}
    with file.open() as lines:
        for session, at, kind, channel, value in csv.reader(lines):
            if kind == "conversion":
                cents[session] = int(value)
            else:
                touches[session].append((datetime.fromisoformat(at), channel))
    totals: dict[str, dict[str, float]] = {name: defaultdict(float) for name in WEIGHTS}
    for session, journey in touches.items():
        journey.sort()
        hours = [(journey[-1][0] - at).total_seconds() / 3600 for at, _ in journey]
        for name, weigh in WEIGHTS.items():
            weights = weigh(len(journey), hours)
            for (_, channel), weight in zip(journey, weights, strict=True):
                if weight:
                    totals[name][channel] += cents[session] * weight / sum(weights)
    return {"totals": totals, "seconds": 1.0}


@pytest.mark.servers("one", "local")
def test_every_line_has_its_row(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "environment", lambda results: results)
    monkeypatch.setattr(models, "ask", peer)
    found = CliRunner().invoke(main, ["--scale", "tiny", "--server", server.name, "--results", str(tmp_path)])
    assert found.exit_code == 0, found.output
    results = json.loads((tmp_path / f"{server.name}.json").read_text())
    assert {row["line"] for row in results["rows"]} - {0} == set(LINES)
    assert all(math.isfinite(row["figure"]) for row in results["rows"] if row["line"])
    assert all(row["target"] for row in results["rows"] if row["line"])
    assert results["settings"]["synchronous_commit"] == results["settings"]["fsync"] == "on"
    plans = {path.name.partition(".")[0] for path in (tmp_path / server.name).glob("*.explain.txt")}
    assert plans == BENCHMARKS.keys() - {"growth", "memory"}


def test_unknown_server_is_a_mistake_of_the_user() -> None:
    found = CliRunner().invoke(main, ["--server", "oracle8"])
    assert found.exit_code == 2
    assert "no server oracle8" in found.output


def test_floor_and_engine_take_turns() -> None:
    order: list[tuple[str, int]] = []

    def sample(side: str, time: float) -> Callable[[int], float]:
        return lambda number: order.append((side, number)) or time + number  # type: ignore[func-returns-value]

    pairs = alternate(2, sample("floor", 1), sample("engine", 3))
    assert order == [("floor", 0), ("engine", 0), ("floor", 1), ("engine", 1), ("floor", 2), ("engine", 2)]
    assert pairs == Pairs([2, 3], [4, 5])
    assert pairs.ratios == [2, 5 / 3]
    assert pairs.swapped().ratios == [0.5, 0.6]


@pytest.mark.parametrize(
    ("figure", "at_least", "reached"),
    [
        (1.5, False, True),
        (1.51, False, False),
        (1.5, True, True),
        (1.49, True, False),
        (math.nan, False, None),
    ],
)
def test_targets(figure: float, at_least: bool, reached: bool | None) -> None:
    assert Row(1, "", "", "", figure, target=1.5, at_least=at_least).reached is reached
    assert Row(1, "", "", "", figure).reached is None


def test_figures() -> None:
    assert exponent([10, 100, 1000], [2, 20, 200]) == pytest.approx(1)
    assert exponent([10, 1000], [5, 5]) == pytest.approx(0)
    assert percentile(list(range(1, 101)), 0.95) == 95
    assert percentile([3.0], 0.95) == 3.0
    assert [duration(s) for s in (12.34, 0.0123, 0.0000123)] == ["12.3 s", "12.3 ms", "12 µs"]


def test_inner_statements_are_taken_off_the_outer() -> None:
    watcher = Watcher()
    inside = 'SQL statement "x"\nPL/pgSQL function attribution.outer(uuid) line 3 at PERFORM'
    for milliseconds, text, context in [
        (
            3,
            "SELECT 1",
            f'SQL statement "y"\nPL/pgSQL function attribution.inner() line 1 at SQL statement\n{inside}',
        ),
        (4, "SELECT inner()", inside),
        (2, "SELECT 2", inside),
        (10, "SELECT outer()", ""),
    ]:
        message = f"duration: {milliseconds}.0 ms  plan:\nQuery Text: {text}\nResult  (cost=0 rows=1)"
        watcher(cast(Diagnostic, SimpleNamespace(message_primary=message, context=context)))
    own = {statement.text: (statement.where, statement.own) for statement in watcher.statements.values()}
    assert own == {
        "SELECT 1": ("inner", 3),
        "SELECT inner()": ("outer", 1),
        "SELECT 2": ("outer", 2),
        "SELECT outer()": ("", 4),
    }
    assert "Result" in watcher.text()
