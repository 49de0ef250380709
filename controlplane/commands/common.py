"""What every command shares: its options, its connection and how it prints."""

import json
import sys
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from datetime import date, datetime
from typing import Any
from uuid import UUID

import click
import psycopg
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table

from controlplane import migrations
from controlplane.calls import call
from controlplane.db import connect, resolve_url
from controlplane.errors import CtlError
from controlplane.ingest import Source

JSON_KEY = "controlplane.json"
PIPE_WIDTH = 140  # columns of a table that is printed to a file or pipe


def _remember(context: click.Context, _: click.Parameter, value: bool) -> bool:
    context.meta[JSON_KEY] = value  # errors are printed in the same form
    return value


json_option = click.option(
    "--json", "as_json", is_flag=True, callback=_remember, is_eager=True, help="Print one JSON document."
)
database_option = click.option(
    "--database-url",
    metavar="URL",
    help="PostgreSQL URL. Default: DATABASE_URL, libpq's variables, else the embedded server.",
)


def example(text: str) -> str:
    """The example that ends a command's help."""
    return f"\b\nExample:\n  {text}"


@contextmanager
def session(database_url: str | None) -> Iterator[psycopg.Connection[Any]]:
    """A connection, in autocommit, to a database that has the schema of this ctl."""
    url = resolve_url(database_url)
    migrations.require_head(url)
    with connect(url, autocommit=True) as connection:
        yield connection


def find_tenant(connection: psycopg.Connection[Any], tenant: str) -> UUID:
    """A tenant's id, given as id or name. An id is taken as it is: SQL says so if nobody has it."""
    try:
        return UUID(tenant)
    except ValueError:
        ids = [row["id"] for row in call(connection, "tenants") if row["name"] == tenant]
    if len(ids) == 1:
        return ids[0]  # type: ignore[no-any-return]
    if ids:
        raise CtlError(f"{len(ids)} tenants are named {tenant!r}", hint="name it by id: ctl tenant list")
    raise CtlError(f"there is no tenant {tenant!r}", hint="ctl tenant list shows them", sqlstate="RA004")


def emit(data: Any, as_json: bool, text: Callable[[], None]) -> None:
    """Print data as JSON, or in words."""
    if as_json:
        click.echo(json.dumps(data, indent=2, default=_plain, ensure_ascii=False))
    else:
        text()


def console() -> Console:
    """A console as wide as the terminal, and wide enough in a pipe."""
    return Console(soft_wrap=False, width=None if sys.stdout.isatty() else PIPE_WIDTH, highlight=False)


def table(title: str, records: list[dict[str, Any]], right: Collection[str] = ()) -> Table:
    """Records as a rich table: one column per key; numbers to the right, and the columns named in `right`."""
    drawn = Table(title=title, title_justify="left", box=SIMPLE_HEAD)
    for name in records[0] if records else ["(nothing)"]:
        numeric = name in right or (bool(records) and isinstance(records[0][name], int | float))
        drawn.add_column(name.replace("_", " "), justify="right" if numeric else "left", no_wrap=True)
    for record in records:
        drawn.add_row(*("" if value is None else str(value) for value in record.values()))
    return drawn


@contextmanager
def reading_bar(source: Source) -> Iterator[Callable[[int], None]]:
    """A progress bar on a terminal, by the bytes of a file that are read; elsewhere nothing."""
    columns = TextColumn(source.name, markup=False), BarColumn(), TaskProgressColumn(), TimeRemainingColumn()
    drawn = Console(file=sys.stderr)
    with Progress(*columns, console=drawn, disable=not drawn.is_terminal, transient=True) as progress:
        task = progress.add_task("", total=source.size)
        yield lambda read: progress.update(task, completed=read)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime | date):
        return value.isoformat()
    return str(value)
