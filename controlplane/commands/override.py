"""ctl override: divide a sale by hand, and give it back to the rules."""

import json
import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, NoReturn

import click

from controlplane.calls import Connection, Row, call
from controlplane.commands.common import (
    console,
    database_option,
    emit,
    find_tenant,
    json_option,
    session,
    table,
)  # fmt: skip
from controlplane.report import money

PERCENT = re.compile(r"[0-9]+([.][0-9]+)?")
tenant_option = click.option("--tenant", required=True, help="Id or exact name.")
by_option = click.option("--by", "who", required=True, help="Who decided: it is kept with the sale.")
reason_option = click.option("--reason", required=True, help="Why: it is kept with the sale.")


@click.group()
def override() -> None:
    """Divide a sale by hand, for as long as no rule should do it. TRANSACTION is a transaction id, or the
    event's id of a sale that has none.

    \b
    Example:
      ctl override set order-501 --tenant "Acme" --share email=60 --share direct=40 --by jo --reason "call"
    """


@override.command("set")
@click.argument("transaction")
@tenant_option
@click.option(
    "--share", "given", multiple=True, metavar="CHANNEL=PERCENT", help="A channel's part, such as email=60."
)
@click.option("--shares", "document", metavar="JSON",
              help='Or: [{"channel": "email", "percent": 100, "campaign_id": "x"}].')  # fmt: skip
@by_option
@reason_option
@database_option
@json_option
def set_(
    transaction: str, tenant: str, given: tuple[str, ...], document: str | None, who: str, reason: str,
    database_url: str | None, as_json: bool,
) -> None:  # fmt: skip
    """Divide TRANSACTION by hand. The shares sum to exactly 100. They hold until they are lifted or set anew,
    whatever touches, rules and rebuilds come; refunds are taken from them.

    \b
    Example:
      ctl override set order-501 --tenant "Acme" --share email=60 --share direct=40 --by jo --reason "call"
    """
    if bool(given) == bool(document):
        raise click.UsageError("give --share CHANNEL=PERCENT for each channel, or --shares JSON")
    shares = _checked(document) if document else _shares(given)
    with session(database_url) as connection:
        identifier = find_tenant(connection, tenant)
        values = [identifier, transaction, shares, who, reason]
        done = call(connection, "override_allocation", values)[0]
        done |= {"transaction_id": transaction, "shares": _holders(connection, identifier, transaction)}
    emit(done, as_json, lambda: _print(done, "is divided by hand"))


@override.command()
@click.argument("transaction")
@tenant_option
@by_option
@reason_option
@database_option
@json_option
def lift(
    transaction: str, tenant: str, who: str, reason: str, database_url: str | None, as_json: bool
) -> None:  # fmt: skip
    """Give TRANSACTION back to the rules.

    \b
    Example:
      ctl override lift order-501 --tenant "Acme Shop" --by jo --reason "the call was another customer's"
    """
    with session(database_url) as connection:
        identifier = find_tenant(connection, tenant)
        done = call(connection, "lift_override", [identifier, transaction, who, reason])[0]
        done |= {"transaction_id": transaction, "shares": _holders(connection, identifier, transaction)}
    emit(done, as_json, lambda: _print(done, "is the rules' again"))


@override.command("list")
@tenant_option
@click.option("--transaction", help="Of this sale only.")
@click.option(
    "--history", is_flag=True, help="Also those that were replaced or lifted, and what lifted them."
)
@database_option
@json_option
def list_(
    tenant: str, transaction: str | None, history: bool, database_url: str | None, as_json: bool
) -> None:  # fmt: skip
    """List the divisions by hand that are in force: who made them, when and why.

    \b
    Example:
      ctl override list --tenant "Acme Shop" --history
    """
    with session(database_url) as connection:
        identifier = find_tenant(connection, tenant)
        wanted = {"tenant": identifier, "transaction": transaction, "history": history}
        found = call(connection, "overrides", wanted, tenant=identifier)
    shown = [
        {
            "transaction": row["transaction_id"], "status": row["status"], "shares": _words(row["shares"]),
            "by": row["override_by"], "at": f"{row['created_at']:%Y-%m-%d %H:%M}", "login": row["created_by"],
            "reason": row["reason"],
        }
        for row in found
    ]  # fmt: skip
    emit(found, as_json, lambda: console().print(table(f"divisions by hand: {len(found)}", shown)))


def _shares(given: Sequence[str]) -> str:
    """`email=60` and so on as the JSON that override_allocation() takes. Decimals stay as they were typed."""
    shares: dict[str, str] = {}
    for word in given:
        channel, _, percent = word.rpartition("=")
        if not channel or not PERCENT.fullmatch(percent):
            raise click.UsageError(f"--share {word}: not CHANNEL=PERCENT, such as email=60 or email=33.3")
        if channel in shares:
            raise click.UsageError(f"--share {word}: {channel} is given twice")
        shares[channel] = f"{Decimal(percent):f}"
    parts = (
        f'{{"channel": {json.dumps(channel)}, "percent": {percent}}}' for channel, percent in shares.items()
    )
    return f"[{', '.join(parts)}]"


def _checked(document: str) -> str:
    """A document that is JSON, unchanged: its numbers may have more digits than Python's."""

    def refuse(word: str) -> NoReturn:
        raise ValueError(f"{word} is no number")

    try:
        json.loads(document, parse_constant=refuse)
    except ValueError as error:
        raise click.UsageError(f"--shares is not JSON: {error}") from None
    return document


def _holders(connection: Connection, tenant: Any, transaction: str) -> list[Row]:
    return call(connection, "transaction_shares", [tenant, transaction], tenant=tenant)


def _print(done: Row, what: str) -> None:
    click.echo(f"{done['transaction_id']} {what}:")
    for row in done["shares"]:
        whom = " ".join(filter(None, (row["channel_code"], row["campaign_id"], row["partner_id"])))
        click.echo(f"  {money(row['balance_cents'], row['minor_unit']):>16} {row['currency']}  {whom}")


def _words(shares: list[Row] | None) -> str:
    return ", ".join(f"{share['channel']} {share['percent']}%" for share in shares or [])
