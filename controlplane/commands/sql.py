"""ctl sql freeze, ctl sql check."""

import click

from controlplane.commands.common import database_option, emit, json_option
from controlplane.db import resolve_url
from controlplane.freeze import freeze as freeze_sources
from controlplane.sql_check import check as check_sources


@click.group()
def sql() -> None:
    """Keep sql/, the migrations and the database the same.

    \b
    Example:
      ctl sql check
    """


@sql.command()
@click.option("-m", "--message", required=True, help="What changes, in a few words.")
@click.option(
    "--amend", is_flag=True, help="Freeze into the newest revision again; refused once it is released."
)
@json_option
def freeze(message: str, amend: bool, as_json: bool) -> None:
    """Copy what changed in sql/ into a new revision that applies it.

    \b
    Example:
      ctl sql freeze -m "Credit phone calls"
    """
    frozen = freeze_sources(message, amend=amend)
    if frozen is None:
        emit(
            {"revision": None},
            as_json,
            lambda: click.echo("nothing changed in sql/ since the newest revision"),
        )
        return
    text = f"{frozen.file}: {len(frozen.changed)} changed, {len(frozen.removed)} removed"
    emit(frozen.__dict__, as_json, lambda: click.echo(text))


@sql.command()
@click.option(
    "--live/--no-live", default=True, help="Compare the database too (the default), or only the files."
)
@database_option
@json_option
@click.pass_context
def check(context: click.Context, live: bool, database_url: str | None, as_json: bool) -> None:
    """Compare sql/, the migrations and the database; name every drift. Exit code 1 if there is one.

    Makes a scratch database on the server, and drops it.

    \b
    Example:
      ctl sql check --database-url postgresql://postgres@localhost/shop
    """
    drifts = check_sources(resolve_url(database_url), live=live)

    def text() -> None:
        for drift in drifts:
            click.echo(str(drift))
        compared = "sql/, migrations and database" if live else "sql/ and migrations"
        click.echo(f"{compared}: {f'{len(drifts)} drifts' if drifts else 'no drift'}")

    emit({"drifts": [drift._asdict() for drift in drifts]}, as_json, text)
    context.exit(1 if drifts else 0)
