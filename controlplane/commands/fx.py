"""ctl fx: exchange rates, which turn every currency's revenue into US dollars."""

from datetime import datetime

import click

from controlplane import fx as rates
from controlplane.calls import Row, call
from controlplane.commands.common import (
    database_option,
    emit,
    emit_some,
    json_option,
    limit_option,
    one_more,
    session,
)  # fmt: skip
from controlplane.csvfile import column_map
from controlplane.ingest import opened

DAY = click.DateTime(["%Y-%m-%d"])


@click.group()
def fx() -> None:
    """Import and list exchange rates. They are everyone's, not a tenant's.

    \b
    Example:
      ctl fx import examples/rates.csv
    """


@fx.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@click.option("--source", help="Where the rates come from. Default: the file's name.")
@click.option("--map", "maps", multiple=True, metavar="COLUMN=FIELD",
              help="Rename a column: to date, currency or rate, or to - (left out).")  # fmt: skip
@click.option("--correct", is_flag=True, help="Replace known rates that the file has with another value.")
@database_option
@json_option
def import_(
    file: str, source: str | None, maps: tuple[str, ...], correct: bool, database_url: str | None,
    as_json: bool,
) -> None:  # fmt: skip
    """Store the rates of FILE, all or none: a CSV file (gzip too, - for standard input) with the columns
    date, currency and rate, the rate in US dollars per one unit of the currency.

    A sale is converted at the latest rate that is not after its day (UTC). Sales that a new or corrected rate
    concerns are adjusted by the next `ctl run`: a line with the difference, no line is changed. A known rate
    with another value is refused without --correct.

    \b
    Example:
      ctl fx import examples/rates.csv --source "ECB reference rates"
    """
    mapping = column_map(maps, rates.FIELDS)
    with session(database_url) as connection, opened(file) as opened_file:
        origin = source or opened_file.name
        done = rates.import_rates(connection, opened_file, mapping, origin, correct=correct)

    def text() -> None:
        click.echo(", ".join(f"{done[name]:,} {name}" for name in ("added", "corrected", "known")))
        if done["added"] or done["corrected"]:
            click.echo("ctl run adjusts the sales that they concern")

    emit(done, as_json, text)


@fx.command("list")
@click.option("--currency", help="ISO 4217 code. Default: every currency.")
@click.option("--from", "start", type=DAY, metavar="DAY", help="Rates of this day (YYYY-MM-DD) on.")
@click.option("--to", "end", type=DAY, metavar="DAY", help="Rates up to this day.")
@limit_option
@database_option
@json_option
def list_(
    currency: str | None, start: datetime | None, end: datetime | None, limit: int | None,
    database_url: str | None, as_json: bool,
) -> None:  # fmt: skip
    """List the rates: US dollars per one unit of the currency.

    \b
    Example:
      ctl fx list --currency EUR --from 2026-03-01
    """
    with session(database_url) as connection:
        days = {"from": start and start.date(), "to": end and end.date()}
        wanted = {"currency": currency, "limit": one_more(limit, as_json), **days}
        found = call(connection, "fx_rates", wanted)
    emit_some(found, limit, "exchange rates", as_json, _rate)


def _rate(row: Row) -> Row:
    return row | {"imported_at": f"{row['imported_at']:%Y-%m-%d %H:%M}"}
