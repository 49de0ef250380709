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
SHOWN = 1000  # rows of a table, unless --limit says otherwise
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
limit_option = click.option(
    "--limit", type=click.IntRange(min=1), help="At most so many. Default: 1000 in a table, all with --json."
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


def one_more(limit: int | None, as_json: bool) -> int | None:
    """The LIMIT of a query whose rows emit_some() prints: with one more row than is shown it can say so."""
    return limit + 1 if limit else None if as_json else SHOWN + 1


def emit_some(
    found: list[dict[str, Any]], limit: int | None, title: str, as_json: bool,
    shown: Callable[[dict[str, Any]], dict[str, Any]], right: Collection[str] = (),
) -> None:  # fmt: skip
    """Print as many rows as are wanted, `shown` making a table's row of each, and say if there are more."""
    most = limit or (len(found) if as_json else SHOWN)
    more = f", the first {most} (--limit)" if len(found) > most else f": {len(found)}"
    rows = found[:most]
    emit(rows, as_json, lambda: console().print(table(f"{title}{more}", [shown(row) for row in rows], right)))


def _plain(value: Any) -> Any:
    if isinstance(value, datetime | date):
        return value.isoformat()
    return str(value)
