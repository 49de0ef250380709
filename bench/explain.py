"""Where the time goes: EXPLAIN (ANALYZE, BUFFERS, WAL) of one more, unmeasured, execution.

Where the server has auto_explain, of every statement inside, too: those of triggers and functions.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import psycopg

from bench.run import Run
from bench.servers import APP, Database, context

WATCH = {
    "auto_explain.log_analyze": "on", "auto_explain.log_buffers": "on", "auto_explain.log_wal": "on",
    "auto_explain.log_nested_statements": "on", "auto_explain.log_triggers": "on",
    "auto_explain.log_level": "notice", "client_min_messages": "notice",
}  # fmt: skip
ENTRY = re.compile(r"duration: ([0-9.]+) ms  plan:\n(?:Query Text: )?(.*)", re.S)
KEY_CHECK = "SELECT 1 FROM ONLY "
WARM_UP = 6
KEPT = 12
"""Statements whose plan is kept."""


@dataclass
class Statement:
    """One statement of functions and triggers, all its executions together; milliseconds."""

    text: str
    where: str
    calls: int = 0
    total: float = 0.0
    own: float = 0.0
    slowest: float = 0.0
    plan: str = ""


@dataclass
class Watcher:
    """Collects auto_explain's notices. Inner statements end before the outer: their time is taken off it."""

    statements: dict[tuple[str, str], Statement] = field(default_factory=dict)
    ended: list[tuple[int, float]] = field(default_factory=list)
    """Depth and milliseconds of statements whose outer statement has not ended yet."""

    def __call__(self, notice: psycopg.errors.Diagnostic) -> None:
        entry = ENTRY.match(notice.message_primary or "")
        if not entry:
            return
        milliseconds, text, context = float(entry[1]), entry[2], notice.context or ""
        # A check of a foreign key runs within the statement that it is made for, in the same function.
        depth = 2 * len(re.findall(r"^(?:PL/pgSQL|SQL) function ", context, re.M)) + text.startswith(
            KEY_CHECK
        )
        function = re.search(r'^(?:PL/pgSQL function (?:attribution\.)?|SQL function ")(\w+)', context, re.M)
        query, plan = text, ""
        cut = re.search(r"^\S.*\(cost=", text, re.M)
        if cut:
            query, plan = text[: cut.start()], text[cut.start() :]
        key = (function[1] if function else "", " ".join(query.split()))
        found = self.statements.setdefault(key, Statement(key[1], key[0]))
        found.calls += 1
        found.total += milliseconds
        found.own += milliseconds
        while self.ended and self.ended[-1][0] > depth:
            found.own -= self.ended.pop()[1]
        self.ended.append((depth, milliseconds))
        if milliseconds >= found.slowest:
            found.slowest, found.plan = milliseconds, plan

    def text(self) -> str:
        """The report: statements by their own time, then the plans of the dearest."""
        ordered = sorted(self.statements.values(), key=lambda s: -s.own)
        lines = ["own ms    total ms  calls   in function: statement"]
        for s in ordered[:40]:
            lines.append(f"{s.own:9.2f} {s.total:9.2f} {s.calls:6}   {s.where or '-'}: {s.text[:150]}")
        for s in ordered[:KEPT]:
            times = f"{s.own:.2f} ms of its own; slowest execution {s.slowest:.2f} ms"
            lines.append(f"\n-- {times}; in {s.where or '-'}\n{s.text}\n\n{s.plan}")
        return "\n".join(lines) + "\n"


def keep_plan(
    run: Run, database: Database, tenant: str, statement: str, values: Mapping[str, Any] | None = None, *,
    user: str = APP, from_ms: int = 0, part: str = "",
) -> None:  # fmt: skip
    """Execute a statement once more, keep its plans in the results, and roll back.

    `part` names one of several statements. Those inside that take less than `from_ms` are left out: of a
    thousand rows' key checks, each is one.
    """
    watched = "auto_explain" in run.server.watchers
    options = context(tenant)
    watcher = Watcher()
    if watched:
        with database.connect() as conn:
            for name, value in {**WATCH, "auto_explain.log_min_duration": str(from_ms)}.items():
                conn.execute(f"ALTER DATABASE {database.name} SET {name} = '{value}'")
    with psycopg.connect(database.url(user, options=options)) as conn:
        for _ in range(0 if from_ms else WARM_UP):  # a connection's first executions are planned anew
            with conn.transaction(force_rollback=True):
                conn.execute(statement, values)
        if watched:
            conn.add_notice_handler(watcher)
            conn.execute(statement, values)
            report = watcher.text()
        else:
            rows = conn.execute(f"EXPLAIN (ANALYZE, BUFFERS, WAL) {statement}", values).fetchall()
            report = "\n".join(row[0] for row in rows) + "\n"
        conn.rollback()
    if watched:
        with database.connect() as conn:
            conn.execute(f"ALTER DATABASE {database.name} RESET ALL")
    run.file(f"{part and '.'}{part}.explain.txt").write_text(report, encoding="utf-8")
