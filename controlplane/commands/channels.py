"""ctl channels: which channels there are, and what vendors call them."""

import click

from controlplane import channels as mapping
from controlplane import yamlfile
from controlplane.calls import Row
from controlplane.commands.common import (
    console,
    database_option,
    emit,
    find_tenant,
    json_option,
    session,
    table,
)  # fmt: skip

FILE = click.Path(exists=True, dir_okay=False, allow_dash=True)


@click.group()
def channels() -> None:
    """Manage channels and their aliases. Without --tenant they are everyone's.

    \b
    Example:
      ctl channels apply examples/channels.yaml
    """


@channels.command()
@click.argument("file", type=FILE)
@click.option(
    "--tenant", help="Id or exact name: the aliases hold for this tenant only, and win over everyone's."
)
@click.option("--dry-run", is_flag=True, help="Only show what would change.")
@database_option
@json_option
def apply(file: str, tenant: str | None, dry_run: bool, database_url: str | None, as_json: bool) -> None:
    """Add and change what FILE says, all or none. What it does not name stays; `alias: null` removes one.

    A channel with `is_active: false` is retired: no new event may mean it, its history stays.

    \b
    Example:
      ctl channels apply examples/channels.yaml --dry-run
    """
    with session(database_url) as connection:
        identifier = find_tenant(connection, tenant) if tenant else None
        document = yamlfile.load(file)
        mapping.validate(connection, document, identifier)
        if document.problems:
            raise yamlfile.ProblemsFound(document)
        done = mapping.apply(connection, document, identifier, dry_run=dry_run)

    def text() -> None:
        moved = [row for row in done if row["change"] not in ("unchanged", "absent")]
        for row in moved:
            what = f"channel {row['value']}" if row["kind"] == "channel" else f"{row['kind']} {row['value']}"
            aim = "" if row["kind"] == "channel" or row["channel"] is None else f" → {row['channel']}"
            click.echo(f"{row['change']}: {what}{aim}")
        click.echo(
            f"{len(moved)} changed, {len(done) - len(moved)} as before"
            + dry_run * " (dry run: nothing stored)"
        )

    emit({"dry_run": dry_run, "entries": done}, as_json, text)


@channels.command("list")
@click.option("--tenant", help="Id or exact name: with this tenant's own aliases.")
@database_option
@json_option
def list_(tenant: str | None, database_url: str | None, as_json: bool) -> None:
    """List the channels and the aliases that lead to them.

    \b
    Example:
      ctl channels list --tenant "Acme Shop"
    """
    with session(database_url) as connection:
        found = mapping.listed(connection, find_tenant(connection, tenant) if tenant else None)

    def text() -> None:
        console().print(
            table(f"channels: {len(found['channels'])}", [_shown(row) for row in found["channels"]])
        )
        shown = [
            {"kind": row["match_kind"], "sent": row["match_value"], "channel": row["channel_code"],
             "whose": "the tenant's" if row["is_own"] else "everyone's"}
            for row in found["aliases"]
        ]  # fmt: skip
        console().print(table(f"aliases: {len(shown)}", shown))

    emit(found, as_json, text)


@channels.command()
@click.argument("text", metavar="LABEL|URL")
@click.option("--tenant", help="Id or exact name: with this tenant's own aliases.")
@database_option
@json_option
@click.pass_context
def test(
    context: click.Context, text: str, tenant: str | None, database_url: str | None, as_json: bool
) -> None:
    """Say which channel a label or a landing page's URL means, and why. Exit code 1 if none.

    \b
    Example:
      ctl channels test "https://shop.example/?utm_source=google&utm_medium=cpc"
    """
    with session(database_url) as connection:
        found = mapping.match(connection, text, find_tenant(connection, tenant) if tenant else None)
    emit(found, as_json, lambda: click.echo(f"{found['code'] or 'no channel'}: {found['why']}"))
    context.exit(0 if found["code"] else 1)


def _shown(row: Row) -> Row:
    return {
        "code": row["code"], "name": row["display_name"], "family": row["family"],
        "paid": "paid" if row["is_paid"] else "", "": "" if row["is_active"] else "retired",
    }  # fmt: skip
