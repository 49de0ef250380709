"""The table at the end of a run, and the figures as JSON."""

import dataclasses
import json
import math
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from bench.measure import Row
from bench.scales import Scale
from bench.servers import Server

WORDS = {True: "yes", False: "NO", None: ""}


def show(server: Server, scale: Scale, rows: Sequence[Row], console: Console) -> None:
    """Print what was measured on one server."""
    settings = "  ".join(f"{name}={value}" for name, value in server.settings.items())
    table = Table(title=f"{server.name}, scale {scale.name}", title_justify="left")
    for heading in ("§17", "work", "floor", "engine", "ratio (quartiles)", "target", "reached"):
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(
            str(row.line or ""), escape(row.work + (f"\n({row.note})" if row.note else "")),
            row.floor, row.engine, figure(row), target(row), WORDS[row.reached],
        )  # fmt: skip
    console.print()
    console.print(table)
    console.print(settings, highlight=False)


def figure(row: Row) -> str:
    """The ratio, or the figure that stands in for one, with its spread."""
    if math.isnan(row.figure):
        return "not measured"
    spread = "" if row.low is None or row.high is None else f" ({row.low:.2f} to {row.high:.2f})"
    return f"{row.figure:.2f}{row.unit}{spread}"


def target(row: Row) -> str:
    return "" if row.target is None else f"{'≥' if row.at_least else '≤'} {row.target:g}{row.unit}"


def write(file: Path, server: Server, scale: Scale, rows: Sequence[Row]) -> None:
    """Write everything that was measured, sample by sample."""
    found = {
        "server": server.name, "scale": scale.name, "settings": server.settings,
        "rows": [dataclasses.asdict(row) | {"reached": row.reached} for row in rows],
    }  # fmt: skip
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(found, indent=1, default=str) + "\n", encoding="utf-8")
