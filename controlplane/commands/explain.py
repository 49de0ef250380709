"""ctl explain: the whole story of one sale, on one page."""

from datetime import UTC, datetime
from typing import Any

import click
from rich.box import SIMPLE_HEAD
from rich.console import Group
from rich.table import Table
from rich.text import Text

from controlplane.calls import Row, call
from controlplane.commands.common import console, database_option, emit, find_tenant, json_option, session
from controlplane.report import money

Units = dict[str, int]


@click.command()
@click.argument("transaction")
@click.option("--tenant", required=True, help="Id or exact name.")
@database_option
@json_option
def explain(transaction: str, tenant: str, database_url: str | None, as_json: bool) -> None:
    """Tell the story of TRANSACTION: its journey, who got what under each rule and why, what was refunded or
    disputed, who divided it by hand, and what was posted.

    A sale without a transaction id is named by its event's id.

    \b
    Example:
      ctl explain order-1 --tenant "Acme Shop"
    """
    with session(database_url) as connection:
        identifier = find_tenant(connection, tenant)
        story = call(connection, "explain_transaction", [identifier, transaction], tenant=identifier)[0][
            "story"
        ]
        units = {row["code"]: row["minor_unit"] for row in call(connection, "minor_units")}
    emit(story, as_json, lambda: console().print(render(story, units)))


def render(story: Row, units: Units) -> Group:
    """The story as a page; `units` are the currencies' minor units."""
    parts: list[Any] = [Text(f"Transaction {story['transaction_id']}", "bold")]
    for balance in story["balances"]:
        amounts = (f"{name} {_amount(balance, name, units)}" for name in ("captured", "refunded", "net"))
        usd = balance["net_usd_cents"]
        dollars = f" ({money(usd)} USD)" if balance["currency"] != "USD" and usd is not None else ""
        parts.append(Text(f"{balance['state']}: {', '.join(amounts)} {balance['currency']}{dollars}"))
    parts += [Text(_move(move)) for move in story["transitions"]]
    parts += [Text(_division(division)) for division in story["overrides"]]
    for event in story["events"]:
        parts += _event(event, units)
    return Group(*parts)


def _event(event: Row, units: Units) -> list[Any]:
    digits = units.get(event["currency"], 2)
    value = money(event["value_cents"], digits)
    title = f"\n{event['event_type']}" + (f" of {value} {event['currency']}" if value else "")
    parts: list[Any] = [Text(f"{title}, {_time(event['occurred_at'])} UTC", "bold")]
    parts.append(Text(f"event {event['event_id']}, session {event['session_id']}", "dim"))
    if processing := event["processing"]:
        failed = f": {processing['last_error']}" if processing["last_error"] else ""
        parts.append(Text(f"processing: {processing['status']}{failed}"))
    parts += [_shares(rule, digits) for rule in event["rules"]]
    parts += [_batch(batch, units) for batch in event["batches"]]
    if not event["batches"] and value:
        parts.append(Text("nothing is posted to the ledger for it"))
    return parts


def _shares(rule: Row, digits: int) -> Group:
    kind = "the book" if rule["is_book"] else "shadow"
    title = Text(f"\n{rule['rule']}, version {rule['version']} ({kind})")
    drawn = Table(box=SIMPLE_HEAD)
    for name in ("touch", "at (UTC)", "channel", "campaign", "partner"):
        drawn.add_column(name)
    drawn.add_column("share", justify="right", no_wrap=True)
    drawn.add_column("why", overflow="fold")
    for share in rule["shares"]:
        touch = f"{share['position']} {share['event_type']}" if share["touch_id"] else "-"
        drawn.add_row(
            touch, _time(share["occurred_at"]),
            share["channel_code"], share["campaign_id"], share["partner_id"],
            money(share["allocated_revenue_cents"], digits), share["reason"],
        )  # fmt: skip
    drawn.add_row("", "", "", "", "", money(rule["allocated_cents"], digits), "all")
    return Group(title, drawn)


def _batch(batch: Row, units: Units) -> Group:
    reason = f": {batch['reason']}" if batch["reason"] else ""
    posted = f"{_time(batch['posted_at'])} UTC by {batch['posted_by']}"
    title = Text(f"\n{batch['kind']} posted {posted}{reason}")
    drawn = Table(box=SIMPLE_HEAD)
    for name in ("entry", "channel", "campaign", "state"):
        drawn.add_column(name)
    for name in ("amount", "US dollars"):
        drawn.add_column(name, justify="right", no_wrap=True)
    for line in batch["lines"]:
        moved = line["previous_state"] not in (None, line["state"])
        before = f"{line['previous_state']} → " if moved else ""
        amount = f"{money(line['amount_cents'], units.get(line['currency'], 2))} {line['currency']}"
        drawn.add_row(
            line["entry_type"], line["channel_code"], line["campaign_id"], before + line["state"], amount,
            _dollars(line),
        )  # fmt: skip
    return Group(title, drawn)


def _move(move: Row) -> str:
    moved = f"{move['from_state']} → {move['to_state']}"
    return f"{_time(move['transitioned_at'])} UTC: {moved}: {move['reason']}"


def _division(division: Row) -> str:
    """A division by hand, or the lifting of one: who, when and why."""
    shares = ", ".join(f"{share['channel']} {share['percent']}%" for share in division["shares"] or [])
    what = f"divided by hand: {shares}" if shares else "given back to the rules"
    return f"{_time(division['at'])} UTC: {what}, by {division['by']}: {division['reason']}"


def _dollars(line: Row) -> str:
    """What a line is in US dollars, and at which rate."""
    if line["amount_usd_cents"] is None:
        return "no rate yet"
    rate = f" at {line['fx_rate_used']}" if line["currency"] != "USD" else ""
    return money(line["amount_usd_cents"]) + rate


def _amount(balance: Row, name: str, units: Units) -> str:
    return money(balance[f"{name}_cents"], units.get(balance["currency"], 2))


def _time(stamp: str | None) -> str:
    return f"{datetime.fromisoformat(stamp).astimezone(UTC):%Y-%m-%d %H:%M}" if stamp else ""
