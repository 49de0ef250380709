"""ctl migrate, ctl migrate down, ctl migrate status."""

from typing import Any

import click

from controlplane import migrations
from controlplane.commands.common import database_option, emit, json_option
from controlplane.db import resolve_url


@click.group(invoke_without_command=True)
@click.option(
    "--to", "revision", default="head", show_default=True, metavar="REV", help="The revision to reach."
)
@click.option("--sql", "offline", is_flag=True, help="Print the SQL from nothing to REV; touch no database.")
@database_option
@json_option
@click.pass_context
def migrate(
    context: click.Context, revision: str, offline: bool, database_url: str | None, as_json: bool
) -> None:
    """Bring the database up to date. Safe to run twice, and twice at once.

    \b
    Example:
      ctl migrate --database-url postgresql://postgres@localhost/shop
    """
    context.obj = database_url
    if context.invoked_subcommand is not None:
        return
    if offline:
        script = migrations.script(revision)
        emit({"sql": script}, as_json, lambda: click.echo(script))
        return
    url = resolve_url(database_url)
    before = migrations.upgrade(url, revision)
    _print_move(before, migrations.current_revision(url), as_json)


@migrate.command()
@click.argument("revision")
@database_option
@json_option
@click.pass_obj
def down(outer_url: str | None, revision: str, database_url: str | None, as_json: bool) -> None:
    """Go back to REVISION; `base` removes the schema with all its data.

    \b
    Example:
      ctl migrate down 0001
    """
    url = resolve_url(database_url or outer_url)
    before = migrations.downgrade(url, revision)
    _print_move(before, migrations.current_revision(url), as_json)


@migrate.command()
@database_option
@json_option
@click.pass_obj
@click.pass_context
def status(context: click.Context, outer_url: str | None, database_url: str | None, as_json: bool) -> None:
    """Show the database's revision and what is pending. Exit code 1 if something is, 3 if ctl is too old.

    \b
    Example:
      ctl migrate status --json
    """
    found = migrations.status(resolve_url(database_url or outer_url))
    emit(found, as_json, lambda: _print_status(found))
    context.exit({"current": 0, "ahead": 3}.get(found["state"], 1))


def _print_move(before: str | None, after: str | None, as_json: bool) -> None:
    moved = (
        f"{before or 'nothing'} → {after or 'nothing'}"
        if before != after
        else f"{after or 'nothing'}, unchanged"
    )
    emit({"from": before, "to": after}, as_json, lambda: click.echo(f"schema attribution: {moved}"))


def _print_status(found: dict[str, Any]) -> None:
    click.echo(f"schema attribution: {found['current'] or 'not installed'} (newest known: {found['head']})")
    if found["state"] == "ahead":
        click.echo("the database is newer than this ctl: pip install --upgrade pg-attribution")
    elif found["pending"]:
        click.echo(f"pending: {', '.join(found['pending'])} (ctl migrate)")
