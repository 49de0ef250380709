"""ctl dlq: dead events, what was wrong with them, and trying them again."""

import json
import sys
from collections.abc import Callable
from typing import Any
from uuid import UUID

import click
import psycopg

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
from controlplane.errors import CtlError

LISTED = ("id", "ingested_at", "source", "error_code", "error_message", "remediation_status", "retry_count")
Records = list[dict[str, Any]]


@click.group()
def dlq() -> None:
    """List, show, replay and discard dead events: what was sent and is no valid fact.

    \b
    Example:
      ctl dlq list --tenant "Acme Shop" --code UNKNOWN_CHANNEL
    """


def filters(command: Callable[..., None]) -> Callable[..., None]:
    """The options that choose dead events."""
    for option in (
        click.option("--limit", type=click.IntRange(min=1), default=1000, show_default=True,
                     help="At most so many, oldest first."),
        click.option("--older-than", metavar="INTERVAL", help="Received longer ago, such as '2 days'."),
        click.option("--source", help="Way in: insert (a row) or ingest (JSON, a file)."),
        click.option("--code", help="Error code, such as UNKNOWN_CHANNEL."),
        click.option("--tenant", required=True, help="Id or exact name."),
    ):  # fmt: skip
        command = option(command)
    return command


@dlq.command("list")
@filters
@click.option("--status", type=click.Choice(["pending", "retrying", "resolved", "discarded", "any"]),
              default="pending", show_default=True, help="What has become of them.")  # fmt: skip
@database_option
@json_option
def list_(
    tenant: str, code: str | None, source: str | None, older_than: str | None, limit: int, status: str,
    database_url: str | None, as_json: bool,
) -> None:  # fmt: skip
    """List dead events, oldest first.

    \b
    Example:
      ctl dlq list --tenant "Acme Shop" --code UNKNOWN_CHANNEL --older-than "1 day"
    """
    with session(database_url) as connection:
        identifier = find_tenant(connection, tenant)
        wanted = None if status == "any" else status
        found = find(connection, identifier, (), code, source, older_than, limit, wanted)
    listed = [{name: _short(row[name]) for name in LISTED} for row in found]
    emit(found, as_json, lambda: console().print(table(f"dead events: {len(found)}", listed)))


@dlq.command()
@click.argument("dead_event", metavar="ID", type=click.UUID)
@click.option("--tenant", required=True, help="Id or exact name.")
@database_option
@json_option
def show(dead_event: UUID, tenant: str, database_url: str | None, as_json: bool) -> None:
    """Show one dead event: what was sent, personal data masked, what is wrong with it and what to do.

    \b
    Example:
      ctl dlq show 0190b6a0-0000-7000-8000-000000000000 --tenant "Acme Shop"
    """
    with session(database_url) as connection:
        found = find(connection, find_tenant(connection, tenant), (dead_event,), None, None, None, 1, None)
    if not found:
        raise CtlError(f"the tenant has no dead event {dead_event}", hint="ctl dlq list shows them")
    (event,) = found

    def text() -> None:
        click.echo(f"{event['error_code']}: {event['error_message']}\nHint: {event['hint']}\n")
        for name in ("id", "ingested_at", "source", "remediation_status", "retry_count", "last_retry_at",
                     "next_retry_at", "idempotency_key", "resolved_event_id"):  # fmt: skip
            if event[name] is not None:
                click.echo(f"{name.replace('_', ' '):<20}{event[name]}")
        click.echo(f"\n{json.dumps(event['raw_payload'], indent=2, ensure_ascii=False)}")

    emit(event, as_json, text)


@dlq.command()
@click.argument("dead_events", metavar="[ID]...", nargs=-1, type=click.UUID)
@filters
@database_option
@json_option
@click.pass_context
def replay(
    context: click.Context, dead_events: tuple[UUID, ...], tenant: str, code: str | None, source: str | None,
    older_than: str | None, limit: int, database_url: str | None, as_json: bool,
) -> None:  # fmt: skip
    """Try pending dead events again, when what was wrong is mended: those named, or all that the filters let
    through.

    Exit code 1 if one is still no valid event.

    \b
    Example:
      ctl dlq replay --tenant "Acme Shop" --code UNKNOWN_CHANNEL
    """
    with session(database_url) as connection:
        identifier = find_tenant(connection, tenant)
        chosen = find(connection, identifier, dead_events, code, source, older_than, limit, "pending")
        ids = [row["id"] for row in chosen]
        verdicts = call(connection, "replay_dead_events", [identifier, ids, len(ids)]) if ids else []
    resolved = sum(verdict["status"] == "resolved" for verdict in verdicts)
    shown = [{name: _short(value) for name, value in verdict.items()} for verdict in verdicts]
    title = f"replayed: {len(verdicts)}, resolved: {resolved}"
    emit(verdicts, as_json, lambda: console().print(table(title, shown)))
    context.exit(0 if resolved == len(verdicts) else 1)


@dlq.command()
@click.argument("dead_events", metavar="[ID]...", nargs=-1, type=click.UUID)
@filters
@click.option("--yes", is_flag=True, help="Don't ask.")
@database_option
@json_option
def discard(
    dead_events: tuple[UUID, ...], tenant: str, code: str | None, source: str | None, older_than: str | None,
    limit: int, yes: bool, database_url: str | None, as_json: bool,
) -> None:  # fmt: skip
    """Say that pending dead events need no attention: those named, or all that the filters let through.

    Their rows stay.

    \b
    Example:
      ctl dlq discard --tenant "Acme Shop" --code PII_DETECTED --older-than "30 days" --yes
    """
    if not yes and not sys.stdin.isatty():
        raise click.UsageError("discarding needs --yes")
    with session(database_url) as connection:
        identifier = find_tenant(connection, tenant)
        chosen = find(connection, identifier, dead_events, code, source, older_than, limit, "pending")
        ids = [row["id"] for row in chosen]
        if ids and not yes:
            click.confirm(f"Discard {len(ids)} dead events?", abort=True, err=True)
        done = call(connection, "discard_dead_events", [identifier, ids])[0]
    emit(done, as_json, lambda: click.echo(f"discarded {done['discarded']} dead events"))


def find(
    connection: psycopg.Connection[Any], tenant: UUID, ids: tuple[UUID, ...], code: str | None,
    source: str | None, older_than: str | None, limit: int, status: str | None,
) -> Records:  # fmt: skip
    """The dead events that were named, or that the filters choose."""
    with connection.transaction():
        connection.execute("SELECT attribution.set_tenant(%s)", [tenant])
        values = {"tenant": tenant, "ids": list(ids) or None, "code": code, "source": source,
                  "older_than": older_than, "limit": limit, "status": status}  # fmt: skip
        return call(connection, "dead_events", values)


def _short(value: Any) -> Any:
    text = str(value)
    return value if value is None or isinstance(value, int) else text if len(text) <= 60 else f"{text[:59]}…"
