"""Peak memory of backend and client, for a backfill and for `ctl ingest` of a file."""

import contextlib
import json
import re
import subprocess
import sys
import threading
from pathlib import Path

import psycopg

from bench.history import EVENTS_PER_SALE
from bench.measure import Row
from bench.run import Run
from bench.sales import attribute
from bench.servers import Database

FACTS = """
SELECT jsonb_strip_nulls(jsonb_build_object(
    'event_type', e.event_type, 'session_id', e.session_id, 'occurred_at', e.occurred_at,
    'idempotency_key', e.idempotency_key, 'channel', e.channel, 'campaign_id', e.campaign_id,
    'conversion_value_cents', e.conversion_value_cents, 'currency', e.currency,
    'transaction_id', e.transaction_id, 'raw_payload', e.raw_payload
))
FROM attribution.attribution_events AS e
WHERE e.tenant_id = %s
ORDER BY e.id
"""
BACKENDS = "SELECT pid FROM pg_stat_activity WHERE application_name = 'ctl'"


def memory(run: Run) -> list[Row]:
    """What a history of this size takes at most, while it is imported and while it is attributed."""
    events = run.scale.memory_events
    with run.database() as database:
        tenant, receiver = database.tenant(), database.tenant()
        database.load(tenant, 1, int(events / EVENTS_PER_SALE))
        database.settle()
        with database.connect() as conn:
            attribute(conn, tenant)
            backfill = peak(conn.info.backend_pid)
        ingest, client = imported(run, database, tenant, receiver)
    figures = {"backfill: backend": backfill, "ctl ingest: backend": ingest, "ctl ingest: client": client}
    return [
        Row(0, f"memory, {events:,} events, {what}", "", f"{size:.0f} MB", size, unit=" MB")
        for what, size in figures.items()
    ]


def imported(run: Run, database: Database, tenant: str, receiver: str) -> tuple[float, float]:
    """Export a tenant's events to a file and import it for another; the peaks of backend and client in MB."""
    file = run.file(".ndjson")
    with (
        database.connect() as conn,
        conn.transaction(),
        conn.cursor("facts") as facts,
        file.open("w", encoding="utf-8") as out,
    ):
        for (event,) in facts.execute(FACTS, [tenant]):
            out.write(json.dumps(event) + "\n")
    ingest = ["ingest", str(file), "--tenant", receiver, "--database-url", database.url()]
    command = [sys.executable, "-m", "controlplane", *ingest]
    try:
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as process:
            watch = Watch(database, process.pid)
            watch.start()
            output = process.communicate()[0]
            watch.over.set()
            watch.join()
    finally:
        file.unlink()
    if process.returncode:
        raise RuntimeError(f"ctl ingest failed: {output}")
    return watch.backend, watch.client


class Watch(threading.Thread):
    """Looks again and again at the peaks of a `ctl` and of its backend, while they live."""

    def __init__(self, database: Database, pid: int) -> None:
        super().__init__(daemon=True)
        self.database, self.pid, self.over = database, pid, threading.Event()
        self.backend = self.client = float("nan")

    def run(self) -> None:
        with contextlib.suppress(psycopg.OperationalError), self.database.connect() as conn:
            while not self.over.wait(0.02):
                self.client = larger(self.client, peak(self.pid))
                for (pid,) in conn.execute(BACKENDS):
                    self.backend = larger(self.backend, peak(pid))


def larger(known: float, seen: float) -> float:
    """The larger of two figures; NaN stands for none."""
    return known if seen != seen or seen < known else seen


def peak(pid: int) -> float:
    """A process's peak memory in MB, without shared buffers. NaN where there is no such process."""
    try:
        text = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return float("nan")
    found = {name: int(size) / 1024 for name, size in re.findall(r"(VmHWM|RssShmem):\s+(\d+) kB", text)}
    return found.get("VmHWM", float("nan")) - found.get("RssShmem", 0.0)
