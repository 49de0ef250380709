"""ctl run, rebuild, verify, report, demo."""

import re
import sys
import time
from typing import Any

import click
import psycopg

from controlplane import demo as sample
from controlplane import migrations
from controlplane import report as reports
from controlplane import verify as checks
from controlplane.calls import call
from controlplane.commands.common import (
    console,
    database_option,
    emit,
    find_tenant,
    json_option,
    session,
    table,
)  # fmt: skip
from controlplane.db import connect, embedded_url, resolve_url
from controlplane.errors import CannotRun

RECONNECT_SECONDS = 2.0
CHAIN_HASH = re.compile(r"[0-9A-Fa-f]{64}")


@click.command()
@click.option("--watch", is_flag=True, help="Go on until interrupted, reconnecting when the server restarts.")
@click.option("--interval", type=click.FloatRange(min=0.1), default=2.0, show_default=True,
              help="Seconds between two rounds of --watch.")  # fmt: skip
@click.option("--max-seconds", type=click.IntRange(min=1), default=60, show_default=True,
              help="The longest one round may take.")  # fmt: skip
@database_option
@json_option
def run(watch: bool, interval: float, max_seconds: int, database_url: str | None, as_json: bool) -> None:
    """Process what is queued: late touches, deferred tenants, retries. Any number may run at once.

    \b
    Example:
      ctl run --watch --interval 5
    """
    url = resolve_url(database_url)
    migrations.require_head(url)
    started = time.monotonic()
    if watch:
        rounds = _watch(url, interval, max_seconds)
    else:
        rounds = 1
        _drain(url, max_seconds)
    done = {"rounds": rounds, "seconds": round(time.monotonic() - started, 3)}
    emit(done, as_json, lambda: click.echo(f"ran {rounds} round(s) in {done['seconds']:.1f} s"))


@click.command()
@click.option("--tenant", help="Id or exact name. Default: every tenant.")
@click.option("--from", "start", default="-infinity", metavar="TIME", help="Conversions from this time on.")
@click.option("--to", "end", default="infinity", metavar="TIME", help="Conversions before this time.")
@database_option
@json_option
def rebuild(tenant: str | None, start: str, end: str, database_url: str | None, as_json: bool) -> None:
    """Recompute conversions from the facts. What was right stays as it is: `changed` is then 0.

    \b
    Example:
      ctl rebuild --tenant "Acme Shop" --from 2026-01-01
    """
    rebuilt: list[dict[str, Any]] = []
    with session(database_url) as connection:
        ids = (
            [find_tenant(connection, tenant)]
            if tenant
            else [row["id"] for row in call(connection, "tenants")]
        )
        with click.progressbar(
            ids, label="rebuilding", file=sys.stderr, hidden=not sys.stderr.isatty()
        ) as todo:
            for identifier in todo:
                counts = call(connection, "rebuild", [identifier, start, end])[0]
                rebuilt.append({"tenant_id": identifier, **counts})
    emit(rebuilt, as_json, lambda: console().print(table("rebuilt", rebuilt)))


@click.command()
@click.option("--tenant", help="Id or exact name. Default: every tenant.")
@click.option("--against", metavar="HASH",
              help="A chain hash of `ctl ledger export-seal`: a chain must still hold it.")  # fmt: skip
@database_option
@json_option
@click.pass_context
def verify(
    context: click.Context, tenant: str | None, against: str | None, database_url: str | None, as_json: bool
) -> None:  # fmt: skip
    """Check every invariant on the live data, and name each breach. Exit code 1 if there is one.

    Lines that wait for an exchange rate are named too; they are no breach.

    \b
    Example:
      ctl verify --json
    """
    if against is not None and not CHAIN_HASH.fullmatch(against):
        raise click.UsageError("--against: a chain hash has 64 hexadecimal digits")
    with session(database_url) as connection:
        identifier = find_tenant(connection, tenant) if tenant else None
        breaches = checks.verify(connection, identifier, against)
        is_ours = not any(breach.check == checks.CODE for breach in breaches)
        waiting = checks.unconverted(connection, identifier) if is_ours else []  # else it might not answer

    def text() -> None:
        for breach in breaches:
            owner = f" (tenant {breach.tenant_id})" if breach.tenant_id else ""
            click.echo(f"{breach.check}: {breach.object}{owner}: {breach.detail}")
        for row in waiting:
            click.echo(
                f"notice: {row['lines']} lines in {row['currency']} (tenant {row['tenant_id']}) have no US "
                f"dollars: ctl fx import a rate of {row['first_day']} or before"
            )
        click.echo(f"{len(breaches)} breaches" if breaches else "clean: every invariant holds")

    found = [breach._asdict() for breach in breaches]
    emit({"clean": not breaches, "breaches": found, "without_rate": waiting}, as_json, text)
    context.exit(1 if breaches else 0)


@click.command()
@click.option("--tenant", help="Id or exact name. Default: every tenant.")
@database_option
@json_option
def report(tenant: str | None, database_url: str | None, as_json: bool) -> None:
    """Show each tenant's pipeline, its revenue by channel and model, and what adds up to what.

    \b
    Example:
      ctl report --tenant "Acme Shop"
    """
    with session(database_url) as connection:
        found = reports.gather(connection, find_tenant(connection, tenant) if tenant else None)
    emit(found, as_json, lambda: reports.print_report(found, console()))


@click.command()
@click.option("--database-url", metavar="URL", help="A superuser's URL. Default: the embedded server.")
@json_option
@click.pass_context
def demo(context: click.Context, database_url: str | None, as_json: bool) -> None:
    """Play 30 days of two businesses, and prove every cent. Running it again changes nothing.

    Only --database-url leads it away from the embedded server: DATABASE_URL may be somebody's production.

    \b
    Example:
      ctl demo
    """
    url = database_url or embedded_url()
    migrations.upgrade(url)
    context.exit(sample.run(url, json_output=as_json))


def _drain(url: str, max_seconds: int) -> None:
    with connect(url, autocommit=True) as connection:
        connection.execute("CALL attribution.run_pending(%s)", [max_seconds])


def _watch(url: str, interval: float, max_seconds: int) -> int:
    """Rounds until SIGINT or SIGTERM; the rounds done. A round that is cut short is rolled back, not lost."""
    rounds = 0
    try:
        while True:
            try:
                with connect(url, autocommit=True) as connection:
                    while True:
                        connection.execute("CALL attribution.run_pending(%s)", [max_seconds])
                        rounds += 1
                        time.sleep(interval)
            except (psycopg.OperationalError, CannotRun) as error:
                click.echo(f"no connection, trying again: {error}", err=True)
                time.sleep(RECONNECT_SECONDS)
    except KeyboardInterrupt:
        return rounds
