"""Running ctl in tests, and what an app would send."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from servers import Database

from controlplane.cli import main

ROOT = Path(__file__).parents[2]
Ctl = Callable[..., Result]


def runner(monkeypatch: pytest.MonkeyPatch) -> Ctl:
    """Runs ctl in this process: `ctl("tenant list --json", url)`; further words are taken as they are."""
    for name in [name for name in os.environ if name.startswith("PG") or name == "DATABASE_URL"]:
        monkeypatch.delenv(name)

    def run(words: str, url: str | None = None, *more: str) -> Result:
        environment = {"DATABASE_URL": url} if url else {}
        return CliRunner(env=environment).invoke(main, [*words.split(), *more])

    return run


def assert_error(result: Result, code: int, *words: str) -> None:
    assert result.exit_code == code, result.output
    assert result.stdout == ""
    assert "Traceback" not in result.stderr
    for word in words:
        assert word in result.stderr


def create(ctl: Ctl, url: str, name: str = "Acme Shop") -> dict[str, Any]:
    result = ctl("tenant create --json --email ops@acme.example --currency EUR", url, name)
    assert result.exit_code == 0, result.output
    created = json.loads(result.stdout)
    assert isinstance(created, dict)
    return created


def sell(db: Database, tenant: str, cents: int) -> None:
    """Two touches and a purchase, as an app would send them."""
    with db.connect() as connection:
        connection.execute("SELECT attribution.set_tenant(%s)", [tenant])
        connection.execute(
            """
            INSERT INTO attribution.attribution_events (
                event_type, session_id, occurred_at, idempotency_key, channel, conversion_value_cents,
                currency, transaction_id
            )
            SELECT
                kind, '11111111-1111-1111-1111-111111111111', now() - age, kind || age, channel, cents,
                currency, sale
            FROM (VALUES
                ('click', interval '2 days', 'google_search_paid', NULL, NULL, NULL),
                ('click', interval '1 day', 'email', NULL, NULL, NULL),
                ('purchase', interval '1 hour', NULL, %s::bigint, 'EUR', 'order-1')
            ) AS sent (kind, age, channel, cents, currency, sale)
            """,
            [cents],
        )


def watch(url: str) -> "subprocess.Popen[str]":
    environment = os.environ | {"PYTHONPATH": str(ROOT), "DATABASE_URL": url, "PYTHONUNBUFFERED": "1"}
    words = ["run", "--watch", "--interval", "0.1", "--json"]
    return subprocess.Popen(
        [sys.executable, "-m", "controlplane", *words],
        env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
