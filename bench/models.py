"""Five rules' channel totals from raw touches, beside Marketing-Attribution-Models in its own environment."""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from psycopg.types.json import Jsonb

from bench.explain import keep_plan
from bench.measure import Pairs, Row, alternate, duration, seconds
from bench.run import Run
from bench.servers import Connection, Database

PEER = "marketing_attribution_models>=2,<3"
RULES = {
    "first_click": "first_touch",
    "last_click": "last_touch",
    "linear": "linear",
    "position_based": "position_based",
    "time_decay": "time_decay",
}
"""The peer's names of models, and the engine's."""
EXPORT = """
COPY (
    SELECT
        e.session_id, e.occurred_at AT TIME ZONE 'UTC', e.event_kind, e.channel_code, e.conversion_value_cents
    FROM attribution.attribution_events AS e
    WHERE e.event_kind IN ('touch', 'conversion')
) TO STDOUT (FORMAT csv)
"""
TOTALS = """
SELECT t.model_version, t.channel_code, t.revenue_cents::bigint
FROM attribution.channel_totals(%(tenant)s) AS t
"""

Totals = dict[str, dict[str, float]]
"""Cents by model and channel."""


def models(run: Run) -> list[Row]:
    """§17, line 5. The peer's time: the export, reading it, the models; starting Python does not count."""
    work = f"5 rules' channel totals, {run.scale.touches:,} raw touches"
    try:
        peer = environment(run.results)
    except (OSError, subprocess.SubprocessError) as error:
        return [Row(5, work, "no peer", "", float("nan"), target=1.0, note=f"pip cannot install it: {error}")]
    sales = run.scale.touches * 2 // 13
    alone: list[float] = []
    found: dict[str, Totals] = {}
    with run.database() as database:
        tenant = prepared(database, sales)
        file = run.file(".csv")
        with database.app(tenant) as conn:

            def floor(number: int) -> float:
                exported = seconds(lambda: export(conn, file))
                answer = ask(peer, file)
                found["peer"] = answer["totals"]
                if number:
                    alone.append(answer["seconds"])
                return float(exported + answer["seconds"])

            def engine(number: int) -> float:
                return seconds(lambda: found.update(engine=totals(conn, tenant)))

            try:
                pairs = alternate(run.scale.pairs, floor, engine)
            finally:
                file.unlink(missing_ok=True)
        assert_same(found["peer"], found["engine"], sales)
        keep_plan(run, database, tenant, TOTALS, {"tenant": tenant}, from_ms=1)
    bare = Pairs(alone, pairs.engine)
    note = f"the peer from a file that is there already: {duration(sorted(alone)[len(alone) // 2])}"
    return [
        pairs.row(5, work, duration, 1.0, note=note),
        bare.row(0, f"{work}, export left out", duration, None),
    ]


def environment(results: Path) -> Path:
    """The peer's own virtual environment, made once; returns its Python."""
    directory = results / "peer"
    python = directory / "bin" / "python"
    if not (directory / "installed").exists():
        create = [sys.executable, "-m", "venv", "--clear", str(directory)]
        install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", PEER]
        for command in (create, install):
            subprocess.run(command, check=True, capture_output=True)
        (directory / "installed").touch()
    return python


def ask(peer: Path, file: Path) -> dict[str, Any]:
    """The peer's `totals` from an exported file, and the `seconds` that they took."""
    answer: dict[str, Any] = json.loads(
        subprocess.check_output([peer, Path(__file__).with_name("peer.py"), file])
    )
    return answer


def prepared(database: Database, sales: int) -> str:
    """A tenant with raw touches and the five rules; nothing is attributed yet."""
    tenant = database.tenant(rules=())
    database.load(tenant, 1, sales)
    with database.connect() as conn:
        for model in RULES.values():
            rule = {
                "name": model,
                "model_type": model,
                "is_book": model == "position_based",
                "config": {"lookback": "30 days"},
            }
            conn.execute("SELECT attribution.apply_rule(%s, %s)", [tenant, Jsonb(rule)])
    database.settle()
    return tenant


def export(conn: Connection, file: Path) -> None:
    """What a user of the peer has to do first: get the rows out."""
    with conn.cursor().copy(EXPORT) as copy, file.open("wb") as out:
        for block in copy:
            out.write(block)


def totals(conn: Connection, tenant: str) -> Totals:
    """The engine's totals, straight from the facts; nothing is stored."""
    answer: Totals = {model: {} for model in RULES.values()}
    for version, channel, cents in conn.execute(TOTALS, {"tenant": tenant}):
        answer[version.partition("/")[0]][channel] = cents
    return answer


def assert_same(peer: Mapping[str, Mapping[str, float]], engine: Totals, sales: int) -> None:
    """Raise unless all totals agree. The peer divides in floating point: each sale may round by a cent."""
    for model, rule in RULES.items():
        if peer[model].keys() != engine[rule].keys():
            raise AssertionError(f"{model}: channels {sorted(peer[model])} and {sorted(engine[rule])}")
        for channel, cents in peer[model].items():
            if abs(cents - engine[rule][channel]) > sales:
                raise AssertionError(
                    f"{model}, {channel}: the peer {cents}, the engine {engine[rule][channel]}"
                )
