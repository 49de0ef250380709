"""ctl tenant: make, list, bind and erase tenants."""

import sys

import click
from psycopg.types.json import Jsonb

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

LISTED = ("id", "name", "notification_email", "reporting_currency", "time_zone", "settings")


@click.group()
def tenant() -> None:
    """Manage tenants. TENANT is an id or an exact name.

    \b
    Example:
      ctl tenant create "Acme Shop" --email ops@acme.example
    """


@tenant.command()
@click.argument("name")
@click.option("--email", required=True, help="Where operators reach the tenant.")
@click.option("--currency", default="USD", show_default=True, help="Reporting currency, ISO 4217.")
@click.option("--time-zone", default="UTC", show_default=True, help="IANA zone in which days begin and end.")
@click.option("--mode", type=click.Choice(["sync", "deferred"]), default="sync", show_default=True,
              help="Attribute at INSERT, or when `ctl run` comes by.")  # fmt: skip
@click.option(
    "--max-future", metavar="INTERVAL", help="How far ahead an event's time may lie.  [default: 1 day]"
)
@database_option
@json_option
def create(
    name: str, email: str, currency: str, time_zone: str, mode: str, max_future: str | None,
    database_url: str | None, as_json: bool,
) -> None:  # fmt: skip
    """Create a tenant and print its API key, which is shown this once and never stored.

    \b
    Example:
      ctl tenant create "Acme Shop" --email ops@acme.example --currency EUR --time-zone Europe/Berlin
    """
    settings = {"mode": mode} | ({"max_future": max_future} if max_future else {})
    values = {
        "name": name,
        "email": email,
        "currency": currency,
        "zone": time_zone,
        "settings": Jsonb(settings),
    }
    with session(database_url) as connection:
        created = call(connection, "create_tenant", values)[0]
    text = f"tenant  {created['tenant_id']}\nAPI key {created['api_key']}   (shown only now: keep it)"
    emit(created, as_json, lambda: click.echo(text))


@tenant.command("list")
@database_option
@json_option
def list_(database_url: str | None, as_json: bool) -> None:
    """List the tenants.

    \b
    Example:
      ctl tenant list --json
    """
    with session(database_url) as connection:
        found = call(connection, "tenants")
    shown = [{name: row[name] for name in LISTED} for row in found]
    emit(found, as_json, lambda: console().print(table(f"tenants: {len(found)}", shown)))


@tenant.command("rotate-key")
@click.argument("tenant")
@database_option
@json_option
def rotate_key(tenant: str, database_url: str | None, as_json: bool) -> None:
    """Give a tenant a new API key and print it; the old one stops working.

    \b
    Example:
      ctl tenant rotate-key "Acme Shop"
    """
    with session(database_url) as connection:
        rotated = call(connection, "rotate_api_key", [find_tenant(connection, tenant)])[0]
    emit(rotated, as_json, lambda: click.echo(f"API key {rotated['api_key']}   (shown only now: keep it)"))


@tenant.command("bind-login")
@click.argument("role")
@click.argument("tenant")
@database_option
@json_option
def bind_login(role: str, tenant: str, database_url: str | None, as_json: bool) -> None:
    """Hold the database login ROLE to one tenant, whatever it SETs.

    \b
    Example:
      ctl tenant bind-login acme_app "Acme Shop"
    """
    with session(database_url) as connection:
        bound = {"role": role, "tenant_id": find_tenant(connection, tenant)}
        call(connection, "bind_login", [role, bound["tenant_id"]])
    emit(bound, as_json, lambda: click.echo(f"login {role} is held to tenant {bound['tenant_id']}"))


@tenant.command()
@click.argument("tenant")
@click.option("--confirm", metavar="NAME", help="The tenant's exact name. Asked for on a terminal.")
@database_option
@json_option
def erase(tenant: str, confirm: str | None, database_url: str | None, as_json: bool) -> None:
    """Erase a tenant with all its rows. There is no way back.

    \b
    Example:
      ctl tenant erase "Acme Shop" --confirm "Acme Shop"
    """
    if confirm is None and not sys.stdin.isatty():
        raise click.UsageError("erasing needs --confirm with the tenant's exact name")
    with session(database_url) as connection:
        identifier = find_tenant(connection, tenant)
        name = confirm if confirm is not None else click.prompt("The tenant's exact name, to erase it")
        counts = call(connection, "erase_tenant", [identifier, name])[0]["counts"]
    erased = {"tenant_id": identifier, "rows": counts}
    lines = [f"erased tenant {identifier}"] + [f"  {count:>10} {name}" for name, count in counts.items()]
    emit(erased, as_json, lambda: click.echo("\n".join(lines)))
