"""ctl ledger: balances, lines and an export, and the seals that a third party can hold."""

import hashlib
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from rich.console import Console
from rich.progress import Progress, TextColumn, TimeElapsedColumn

from controlplane import ledger as book
from controlplane.calls import Row, call
from controlplane.commands.common import (
    database_option,
    emit,
    emit_some,
    find_tenant,
    json_option,
    limit_option,
    one_more,
    session,
)  # fmt: skip
from controlplane.report import money

tenant_option = click.option("--tenant", required=True, help="Id or exact name.")
any_tenant_option = click.option("--tenant", help="Id or exact name. Default: every tenant.")
AMOUNTS = ("captured", "refunded", "balance", "net", "ledger", "difference")
RIGHT = (*AMOUNTS, "amount", "US dollars")


def period(command: Callable[..., None]) -> Callable[..., None]:
    """The options that choose lines."""
    for option in (
        click.option("--time", "clock", type=click.Choice(["occurred", "posted"]), default="occurred",
                     show_default=True, help="Do --from and --to mean the event or the posting?"),
        click.option("--to", "end", metavar="TIME", help="Before this time."),
        click.option("--from", "start", metavar="TIME",
                     help="From this time on, such as 2026-03-01: in the tenant's zone unless it has one."),
        click.option("--transaction", help="Of this sale only."),
    ):  # fmt: skip
        command = option(command)
    return command


@click.group()
def ledger() -> None:
    """Read the revenue ledger, export and seal it.

    \b
    Example:
      ctl ledger balance --tenant "Acme Shop"
    """


@ledger.command()
@tenant_option
@click.option("--by", type=click.Choice(["channel", "transaction"]), default="channel", show_default=True,
              help="What a line of the answer stands for.")  # fmt: skip
@click.option(
    "--trial", is_flag=True, help="The trial balance: facts against ledger. Exit code 1 unless it is zero."
)
@limit_option
@database_option
@json_option
@click.pass_context
def balance(
    context: click.Context, tenant: str, by: str, trial: bool, limit: int | None, database_url: str | None,
    as_json: bool,
) -> None:  # fmt: skip
    """Show what the ledger holds, by channel or by transaction; refunds are taken off.

    US dollars are left out where a line waits for an exchange rate.

    \b
    Example:
      ctl ledger balance --tenant "Acme Shop" --by transaction
    """
    query = "trial_balance" if trial else f"balance_by_{by}"
    with session(database_url) as connection:
        identifier = find_tenant(connection, tenant)
        wanted = {"tenant": identifier, "limit": one_more(limit, as_json)}
        found = call(connection, query, wanted, tenant=identifier)
    title = "trial balance" if trial else f"balance by {by}"
    emit_some(found, limit, title, as_json, _balance, RIGHT)
    context.exit(1 if trial and any(row["difference_cents"] for row in found) else 0)


@ledger.command("lines")
@tenant_option
@period
@limit_option
@database_option
@json_option
def lines_(
    tenant: str, transaction: str | None, start: str | None, end: str | None, clock: str,
    limit: int | None, database_url: str | None, as_json: bool,
) -> None:  # fmt: skip
    """Show ledger lines in the order of posting.

    \b
    Example:
      ctl ledger lines --tenant "Acme Shop" --transaction order-501
    """
    with session(database_url) as connection:
        identifier = find_tenant(connection, tenant)
        wanted = {"transaction": transaction, "start": start, "end": end, "clock": clock}
        found = book.lines(connection, identifier, limit=one_more(limit, as_json), **wanted)
    emit_some(found, limit, "ledger lines", as_json, _line, RIGHT)


@ledger.command()
@tenant_option
@click.option("--format", "form", type=click.Choice(book.FORMS), default="csv", show_default=True)
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path),
              help="A file, which is there when it is whole. Default: standard output.")  # fmt: skip
@period
@database_option
@json_option
def export(
    tenant: str, form: str, output: Path | None, transaction: str | None, start: str | None, end: str | None,
    clock: str, database_url: str | None, as_json: bool,
) -> None:  # fmt: skip
    """Write ledger lines as CSV or NDJSON, in the order of posting, however many there are.

    All are of one moment. Amounts are minor units, and beside them decimal numbers; times are UTC. With -o,
    --json says how many lines were written, and the file's SHA-256.

    \b
    Example:
      ctl ledger export --tenant "Acme Shop" --from 2026-03-01 --to 2026-04-01 -o march.csv
    """
    if as_json and output is None:
        raise click.UsageError("--json needs -o FILE: without it the lines themselves are printed")
    digest, count = hashlib.sha256(), 0
    with session(database_url) as connection, _target(output) as write, _counter(output is not None) as show:
        identifier = find_tenant(connection, tenant)
        wanted = {"transaction": transaction, "start": start, "end": end, "clock": clock}
        for number, text in book.export(connection, identifier, form, **wanted):
            data = text.encode()
            write(data)
            digest.update(data)
            count += number
            show(count)
    if output is not None:
        done = {"file": str(output), "lines": count, "sha256": digest.hexdigest()}
        emit(done, as_json, lambda: click.echo(f"{output}: {count:,} lines, SHA-256 {done['sha256']}"))


@ledger.command()
@any_tenant_option
@database_option
@json_option
def seal(tenant: str | None, database_url: str | None, as_json: bool) -> None:
    """Add what was posted to the hash chain. `ctl run` does it too. No posting waits for it.

    \b
    Example:
      ctl ledger seal
    """
    with session(database_url) as connection:
        identifier = find_tenant(connection, tenant) if tenant else None
        done = call(connection, "seal_ledger", [identifier])[0]
    emit(done, as_json, lambda: click.echo(f"sealed {done['sealed']:,} batches"))


@ledger.command("export-seal")
@any_tenant_option
@database_option
@json_option
def export_seal(tenant: str | None, database_url: str | None, as_json: bool) -> None:
    """Print the newest chain hash, which stands for the whole ledger up to there. Give it to somebody who
    can't write to the database: `ctl verify --against HASH` then finds a ledger that was rewritten.

    \b
    Example:
      ctl ledger export-seal --json
    """
    with session(database_url) as connection:
        found = book.newest_seals(connection, find_tenant(connection, tenant) if tenant else None)

    def text() -> None:
        for row in found:
            since = (
                f", {row['unsealed_batches']} batches since (ctl ledger seal)"
                if row["unsealed_batches"]
                else ""
            )
            what = (
                f"seal {row['seq']} of {row['sealed_at']}{since}" if row["seq"] else f"not sealed yet{since}"
            )
            click.echo(f"{row['chain_hash'] or '-':<64}  {row['name']}: {what}")

    emit(found, as_json, text)


def _balance(row: Row) -> Row:
    shown: Row = {name: row[name] for name in ("channel_code", "transaction_id", "state") if name in row}
    shown |= {
        name: money(row[f"{name}_cents"], row["minor_unit"]) for name in AMOUNTS if f"{name}_cents" in row
    }
    shown["currency"] = row["currency"]
    for name in ("balance_usd_cents", "net_usd_cents"):
        if name in row:
            shown["US dollars"] = money(row[name])
    return shown


def _line(row: Row) -> Row:
    return {
        "posted (UTC)": row["posted_at"][:16].replace("T", " "), "transaction": row["transaction_id"],
        "entry": row["entry_type"], "channel": row["channel_code"], "campaign": row["campaign_id"],
        "state": row["state"], "amount": row["amount"], "currency": row["currency"],
        "US dollars": row["amount_usd"],
    }  # fmt: skip


@contextmanager
def _target(output: Path | None) -> Iterator[Callable[[bytes], int]]:
    """Where an export goes. A file gets its name when it is whole, and replaces the one that had it."""
    if output is None:
        yield sys.stdout.buffer.write
        return
    part = output.with_name(f"{output.name}.part")
    try:
        with part.open("wb") as file:
            yield file.write
        part.replace(output)
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def _counter(wanted: bool) -> Iterator[Callable[[int], None]]:
    """The lines written so far, on a terminal."""
    screen = Console(file=sys.stderr)
    columns = TextColumn("{task.completed:,.0f} lines"), TimeElapsedColumn()
    hidden = not (wanted and screen.is_terminal)
    with Progress(*columns, console=screen, disable=hidden, transient=True) as bar:
        task = bar.add_task("", total=None)
        yield lambda count: bar.update(task, completed=count)
