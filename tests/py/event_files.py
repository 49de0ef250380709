"""Files of events for ctl ingest, and what became of them."""

import json
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import engine
from ctl import ROOT, Ctl
from engine import at, rows, uid
from servers import Database

NAMES = (
    "event_type", "session_id", "occurred_at", "external_event_id", "channel", "conversion_value_cents",
    "currency", "transaction_id",
)  # fmt: skip


def event(number: int, **columns: Any) -> dict[str, Any]:
    """Journeys of three clicks and a purchase; every fifth event has no key of its own."""
    buys = number % 4 == 3
    sent = {"event_type": "purchase" if buys else "click", "session_id": uid(number // 4 + 1),
            "occurred_at": at(minutes=number).isoformat()}  # fmt: skip
    if number % 5:
        sent["external_event_id"] = f"event-{number}"
    what = {"conversion_value_cents": 100 + number, "currency": "USD", "transaction_id": f"sale-{number}"}
    return sent | (what if buys else {"channel": ("email", "direct", "sms")[number % 3]}) | columns


def ndjson(events: Iterable[dict[str, Any]]) -> bytes:
    return b"".join(json.dumps(sent).encode() + b"\n" for sent in events)


def as_csv(events: Iterable[dict[str, Any]]) -> bytes:
    lines = [",".join(str(sent.get(name, "")) for name in NAMES) for sent in events]
    return "\n".join([",".join(NAMES), *lines, ""]).encode()


def put(path: Path, data: bytes) -> str:
    path.write_bytes(data)
    return str(path)


def ingest(ctl: Ctl, db: Database, file: str, *more: str, tenant: str = "Acme Shop") -> dict[str, Any]:
    result = ctl("ingest --json --tenant", db.url, tenant, file, *more)
    assert result.exit_code == 0, result.output
    summary = json.loads(result.stdout)
    assert isinstance(summary, dict)
    return summary


def counts(summary: dict[str, Any]) -> tuple[int, int, int]:
    return summary["accepted"], summary["duplicates"], summary["quarantined"]


def facts(db: Database, tenant: str) -> tuple[Any, ...]:
    """The events and the ledger of a tenant, its queue drained, without what is made up for each."""
    columns = (
        "event_type, session_id::text, occurred_at, channel_code, conversion_value_cents, transaction_id"
    )
    with db.connect(autocommit=True) as conn:
        engine.drain(conn)
        assert engine.breaches(conn, tenant) == []
        sent = rows(
            conn,
            f"SELECT {columns} FROM attribution.attribution_events"
            " WHERE tenant_id = %s ORDER BY occurred_at, event_type",
            tenant,
        )
        return sent, engine.balances(conn, tenant)


def start(db: Database, *words: str, **more: Any) -> "subprocess.Popen[bytes]":
    environment = os.environ | {"PYTHONPATH": str(ROOT), "DATABASE_URL": db.url}
    command = [sys.executable, "-m", "controlplane", "ingest", "--json", *words]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, env=environment, stdout=pipe, stderr=pipe, **more)
