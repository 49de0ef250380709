"""ctl reconcile: a statement of a processor or an ad platform, against the ledger."""

from datetime import date, datetime
from uuid import UUID

import click
from rich.markup import escape

from controlplane.calls import Connection, Row, call
from controlplane.commands.common import (
    console,
    database_option,
    emit,
    find_tenant,
    json_option,
    reading_bar,
    session,
    table,
)  # fmt: skip
from controlplane.ingest import opened
from controlplane.reconcile import Outcome
from controlplane.reconcile import reconcile as run
from controlplane.report import money
from controlplane.statements import (
    AD_PLATFORM,
    FIELDS,
    FIXABLE,
    LAYOUTS,
    PLAIN,
    PROCESSOR,
    Layout,
    Statement,
)  # fmt: skip

SHOWN = 50  # differences that are printed
STATUSES = ("matched", "amount_mismatch", "missing_in_ledger", "missing_in_report")


def _day(context: click.Context, parameter: click.Parameter, value: datetime | None) -> date | None:
    return value.date() if value else None


def _pairs(context: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    allowed = FIELDS if parameter.name == "columns" else FIXABLE
    pairs = {}
    for given in values:
        name, _, value = given.partition("=")
        if name not in allowed or not value:
            raise click.BadParameter(f"{given}: not one of {', '.join(allowed)}, then = and what it is")
        pairs[name] = value
    return pairs


DAY = click.DateTime(["%Y-%m-%d"])


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@click.option("--source", required=True, metavar="NAME",
              help="stripe, shopify, google_ads, facebook, tiktok, or a name of yours.")  # fmt: skip
@click.option("--tenant", help="Id or exact name. Default: the only tenant.")
@click.option("--layout", type=click.Choice([*LAYOUTS, "plain"]),
              help="How FILE is written. Default: as the source does; plain for others.")  # fmt: skip
@click.option("--kind", type=click.Choice([PROCESSOR, AD_PLATFORM]),
              help="Of a plain FILE. Default: processor.")  # fmt: skip
@click.option("--from", "first", type=DAY, callback=_day, metavar="DAY",
              help="First day to compare, in the tenant's zone. Default: the statement's first.")  # fmt: skip
@click.option("--to", "last", type=DAY, callback=_day, metavar="DAY",
              help="Last day to compare. Default: the statement's last.")  # fmt: skip
@click.option(
    "--partial", is_flag=True, help="FILE covers a part of the sales: what it lacks is no difference."
)
@click.option("--columns", multiple=True, callback=_pairs, metavar="FIELD=HEADER",
              help=f"Where FILE has a field: {', '.join(FIELDS)}.")  # fmt: skip
@click.option("--set", "fixed", multiple=True, callback=_pairs, metavar="FIELD=VALUE",
              help=f"What holds for every row: {', '.join(FIXABLE)}.")  # fmt: skip
@database_option
@json_option
@click.pass_context
def reconcile(
    context: click.Context, file: str, source: str, tenant: str | None, layout: str | None, kind: str | None,
    first: date | None, last: date | None, partial: bool, columns: dict[str, str], fixed: dict[str, str],
    database_url: str | None, as_json: bool,
) -> None:  # fmt: skip
    """Compare FILE, a statement in CSV (gzip too), with the ledger, by transaction and currency.

    A plain FILE has the columns transaction_id, amount, currency and, if known, date and id; of an ad
    platform channel, date, amount and currency. Money that comes in is positive, what is taken back negative.

    Exit code 0: all matched, or the claims are stored; 1: there are differences; 2: FILE won't do, and
    nothing is stored of it.

    \b
    Example:
      ctl reconcile balance.csv --source stripe --from 2026-03-01 --to 2026-03-31
    """
    chosen = _layout(source, layout, kind).changed(columns, fixed)
    with (
        session(database_url) as connection,
        opened(file) as opened_file,
        reading_bar(opened_file) as moved,
    ):
        identifier = find_tenant(connection, tenant) if tenant else _only_tenant(connection)
        outcome = run(
            connection, identifier, Statement(opened_file, chosen), source=source, first=first, last=last,
            partial=partial, moved=lambda: moved(opened_file.tell()),
        )  # fmt: skip
    emit(outcome.as_dict(), as_json, lambda: _print(outcome))
    context.exit(1 if outcome.run["state"] == "failed" else 0)


def _layout(source: str, layout: str | None, kind: str | None) -> Layout:
    name = layout or (source if source in LAYOUTS else "plain")
    chosen = PLAIN[kind or PROCESSOR] if name == "plain" else LAYOUTS[name]
    if kind and kind != chosen.kind:
        raise click.UsageError(f"a statement laid out as {name} is one of kind {chosen.kind}")
    return chosen


def _only_tenant(connection: Connection) -> UUID:
    tenants = call(connection, "tenants")
    if len(tenants) != 1:
        raise click.UsageError(f"there are {len(tenants)} tenants: name one with --tenant")
    return tenants[0]["id"]  # type: ignore[no-any-return]


def _print(outcome: Outcome) -> None:
    run = outcome.run
    days = f"{run['first_day'] or 'the beginning'} to {run['last_day'] or 'the end'}"
    click.echo(f"{run['file_name']}: {run['source']}, {days}: {run['state']}")
    click.echo(f"  {'rows':<18}{run['reported_rows']:>10,}")
    for reason, count in outcome.left_out.items():
        click.echo(f"  {'left out':<18}{count:>10,}  {reason}")
    if run["kind"] == AD_PLATFORM:
        names = ("channel_code", "currency", "days")
        claims = [
            {name: row[name] for name in names} | _amounts(row, "claimed", "ledger", "overclaim")
            for row in outcome.claims
        ]
        console().print(table("claims against the ledger", claims))
        return
    for status in STATUSES:
        click.echo(f"  {status:<18}{run[status]:>10,}")
    shown = [
        {"status": row["status"], "transaction": escape(row["transaction_id"]), "currency": row["currency"]}
        | _amounts(row, "reported", "ledger", "difference", "outside")
        for row in outcome.differences[:SHOWN]
    ]
    if shown:
        console().print(table("differences", shown))
    if more := len(outcome.differences) - len(shown):
        click.echo(f"… and {more:,} more: --json, or attribution.reconciliation_differences")


def _amounts(row: Row, *names: str) -> Row:
    return {name: money(row[f"{name}_cents"], row["minor_unit"]) for name in names}
