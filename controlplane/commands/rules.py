"""ctl rules: from a file to versioned rows, with a look at what would change before anything does."""

import json
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import click
from psycopg.types.json import Jsonb
from rich.text import Text

from controlplane import rules as book
from controlplane import yamlfile
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

SCHEMA = Path(book.__file__).with_name("rules.schema.json")
FILE = click.Path(exists=True, dir_okay=False, allow_dash=True)
tenant_option = click.option("--tenant", required=True, help="Id or exact name.")
days_option = click.option(
    "--days", type=click.IntRange(1, 3650), default=book.DAYS, show_default=True,
    help="How many days of history to look at.",
)  # fmt: skip


@click.group()
def rules() -> None:
    """Manage rules: which model divides which revenue. FILE is YAML or JSON, `-` standard input.

    \b
    Example:
      ctl rules apply examples/rules.yaml --tenant "Acme Shop"
    """


@rules.command()
@click.argument("file", type=FILE)
@click.option("--tenant", help="Id or exact name: find clashes with this tenant's rules too.")
@database_option
@json_option
def validate(file: str, tenant: str | None, database_url: str | None, as_json: bool) -> None:
    """Name every mistake in FILE with its line. Exit code 1 if there is one.

    \b
    Example:
      ctl rules validate examples/rules.yaml
    """
    warnings: list[yamlfile.Problem] = []
    with session(database_url) as connection:
        identifier = find_tenant(connection, tenant) if tenant else None
        document = yamlfile.load(file)
        found = book.validate(connection, document, identifier)
        if document.problems:
            raise yamlfile.ProblemsFound(document)
        if identifier:
            warnings = book.plan(connection, document, identifier, found).warnings
    valid = {
        "valid": True,
        "rules": [rule["name"] for rule in found],
        "warnings": [vars(w) for w in warnings],
    }

    def text() -> None:
        _warn(warnings)
        click.echo(f"{document.name}: {len(found)} rules, no mistakes")

    emit(valid, as_json, text)


@rules.command()
@click.argument("file", type=FILE)
@tenant_option
@days_option
@database_option
@json_option
def diff(file: str, tenant: str, days: int, database_url: str | None, as_json: bool) -> None:
    """Show what FILE would change, and how the last days' channel totals would move. Changes nothing.

    \b
    Example:
      ctl rules diff examples/rules.yaml --tenant "Acme Shop"
    """
    with session(database_url) as connection:
        made = _plan(connection, file, find_tenant(connection, tenant), days)
    emit(made.as_dict(), as_json, lambda: _print_plan(made, days))


@rules.command()
@click.argument("file", type=FILE)
@tenant_option
@days_option
@click.option("--dry-run", is_flag=True, help="Only show what would change, as `ctl rules diff`.")
@click.option("--draft", is_flag=True, help="Store the versions without activating them.")
@click.option(
    "--restate-from",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="DATE",
    help="Recompute conversions from this day on, in the tenant's zone.  [default: none]",
)
@database_option
@json_option
def apply(
    file: str, tenant: str, days: int, dry_run: bool, draft: bool, restate_from: datetime | None,
    database_url: str | None, as_json: bool,
) -> None:  # fmt: skip
    """Make the tenant's rules what FILE says: a new version of each that differs, all or none.

    Rules that FILE does not name stay. History stays as it is without --restate-from.

    \b
    Example:
      ctl rules apply examples/rules.yaml --tenant "Acme Shop" --restate-from 2026-03-01
    """
    if draft and restate_from:
        raise click.UsageError("drafts change no history: choose --draft or --restate-from")
    done: Row = {"applied": [], "restated": None}
    with session(database_url) as connection:
        identifier = find_tenant(connection, tenant)
        made = _plan(connection, file, identifier, days)
        if not as_json:
            _print_plan(made, days)
        if not dry_run:
            done["applied"] = book.apply(connection, identifier, made, draft=draft)
            if restate_from:
                done["restated"] = _restate(connection, identifier, f"{restate_from:%Y-%m-%d}")

    def text() -> None:
        for row in done["applied"]:
            click.echo(f"{row['change']}: {row['name']}, version {row['version']}")
        if done["restated"]:
            click.echo(
                "restated: {changed:,} of {conversions:,} conversions changed".format(**done["restated"])
            )
        elif any(row["change"] != "unchanged" for row in done["applied"]) and not draft:
            click.echo("history is as it was: --restate-from DATE recomputes it")

    emit({"plan": made.as_dict(), **done} if as_json else None, as_json, text)


@rules.command("list")
@tenant_option
@click.option("--all", "everything", is_flag=True, help="Every version, retired ones and drafts too.")
@database_option
@json_option
def list_(tenant: str, everything: bool, database_url: str | None, as_json: bool) -> None:
    """List the tenant's active rules.

    \b
    Example:
      ctl rules list --tenant "Acme Shop" --all
    """
    with session(database_url) as connection:
        found = book.listed(connection, find_tenant(connection, tenant))
    found = [row for row in found if everything or row["status"] == "active"]
    shown = [
        {key: _brief(row[key]) for key in ("name", "version", "status", "model_type")}
        | {"kind": "book" if row["is_book"] else "shadow"}
        | {key: _brief(row[key]) for key in ("priority", "constraint_mode", "applies_to", "config")}
        for row in found
    ]
    emit(found, as_json, lambda: console().print(table(f"rules: {len(found)}", shown)))


@rules.command()
@click.option("--model", required=True, help="A model_type, such as position_based.")
@click.option("--config", default="{}", metavar="FILE|JSON", help="The rule's config, as a file or in place.")
@click.option("--journey", required=True, type=FILE, help="A file with conversion: and touches:.")
@database_option
@json_option
def preview(model: str, config: str, journey: str, database_url: str | None, as_json: bool) -> None:
    """Print what a model would give each touch of a made-up journey. Stores nothing.

    \b
    Example:
      ctl rules preview --model time_decay --config '{"half_life": "3 days"}' --journey examples/journey.json
    """
    options = (
        yamlfile.parse(config.encode(), "--config") if config.lstrip().startswith("{") else _load(config)
    )
    sent = _load(journey)
    if not isinstance(options.value, dict):
        options.complain("$", "config is not an object", 'such as {"lookback": "30 days"}')
    if not isinstance(sent.value, dict) or sent.value.keys() != {"conversion", "touches"}:
        sent.complain("$", "a journey has conversion and touches, no more", "see examples/journey.json")
    for document in (options, sent):
        if document.problems:
            raise yamlfile.ProblemsFound(document)
    conversion, touches = sent.value["conversion"], sent.value["touches"]
    with session(database_url) as connection:
        values = [model, Jsonb(options.value), Jsonb(conversion), Jsonb(touches)]
        found = call(connection, "preview_allocation", values)
        digits = {row["code"]: row["minor_unit"] for row in call(connection, "minor_units")}
    unit = digits.get(str(conversion.get("currency")), 2)
    shown = [
        {"touch": row["touch_id"], "position": row["position"], "channel": row["channel_code"],
         "share %": f"{row['allocation_ratio'] * 100:.4f}", "cents": row["allocated_revenue_cents"],
         "amount": money(row["allocated_revenue_cents"], unit), "why": row["reason"]}
        for row in found
    ]  # fmt: skip
    title = f"{model} of {money(conversion['value_cents'], unit)} {conversion.get('currency') or ''}".rstrip()
    emit(found, as_json, lambda: console().print(table(title, shown)))


@rules.command()
@click.argument("name")
@tenant_option
@click.option("--version", type=click.IntRange(min=1), help="Default: the newest.")
@database_option
@json_option
def activate(name: str, tenant: str, version: int | None, database_url: str | None, as_json: bool) -> None:
    """Activate a version of rule NAME: a draft, or an earlier one. The version that was active is retired.

    \b
    Example:
      ctl rules activate linear --version 1 --tenant "Acme Shop"
    """
    _set_status(name, tenant, version, "active", database_url, as_json)


@rules.command()
@click.argument("name")
@tenant_option
@database_option
@json_option
def retire(name: str, tenant: str, database_url: str | None, as_json: bool) -> None:
    """Retire rule NAME: it credits nothing from now on. Its history stays.

    \b
    Example:
      ctl rules retire linear --tenant "Acme Shop"
    """
    _set_status(name, tenant, None, "retired", database_url, as_json)


@rules.command()
@json_option
def schema(as_json: bool) -> None:
    """Print the JSON Schema of a rules file, for editors that complete and check YAML.

    \b
    Example:
      ctl rules schema > rules.schema.json
    """
    text = SCHEMA.read_text(encoding="utf-8")
    emit(json.loads(text), as_json, lambda: click.echo(text, nl=False))


def _load(path: str) -> yamlfile.Document:
    try:
        return yamlfile.load(path)
    except OSError as error:
        raise click.UsageError(f"cannot read {path}: {error.strerror}") from None


def _plan(connection: Connection, file: str, tenant: Any, days: int) -> book.Plan:
    document = yamlfile.load(file)
    found = book.validate(connection, document, tenant)
    if document.problems:
        raise yamlfile.ProblemsFound(document)
    made = book.plan(connection, document, tenant, found, days)
    book.simulate(connection, tenant, made, days)
    return made


def _set_status(
    name: str, tenant: str, version: int | None, status: str, database_url: str | None, as_json: bool
) -> None:
    with session(database_url) as connection:
        identifier = find_tenant(connection, tenant)
        if status == "retired":  # the newest version may be a draft beside the active one
            live = {row["name"]: row["version"] for row in book.active(connection, identifier)}
            version = live.get(name)
        call(connection, "set_rule_status", [identifier, name, version, status])
        found = [row for row in book.listed(connection, identifier) if row["name"] == name]
    row = next(row for row in reversed(found) if version in (None, row["version"]))
    done = {"name": name, "version": row["version"], "status": row["status"]}
    emit(done, as_json, lambda: click.echo(f"{name}, version {row['version']}: {row['status']}"))


def _restate(connection: Connection, tenant: Any, start: str) -> Row:
    """Rebuild day by day with a progress bar. Cut short, the days done stay done."""
    days = book.conversion_days(connection, tenant, start)
    total = {"days": len(days), "conversions": 0, "changed": 0}
    with click.progressbar(
        length=len(days), label="restating", file=sys.stderr, hidden=not sys.stderr.isatty()
    ) as bar:
        for conversions, changed in book.restate(connection, tenant, days):
            total["conversions"] += conversions
            total["changed"] += changed
            bar.update(1)
    return total


def _warn(warnings: list[yamlfile.Problem]) -> None:
    for warning in warnings:
        click.echo(f"warning: line {warning.line}: {warning.message} ({warning.hint})", err=True)


def _print_plan(made: book.Plan, days: int) -> None:
    _warn(made.warnings)
    signs = {"created": ("+", "green"), "updated": ("~", "yellow"), "unchanged": ("=", "dim")}
    screen = console()
    for change in made.changes:
        sign, style = signs[change.change]
        kind = "book" if change.rule["is_book"] else "shadow"
        screen.print(
            Text(f"{sign} {change.name}: {change.change} ({change.rule['model_type']}, {kind})", style)
        )
        for key, (old, new) in change.fields.items():
            screen.print(Text(f"    {key}: {_brief(old)} → {_brief(new)}"))
    if made.untouched:
        screen.print(Text(f"  stay, not in the file: {', '.join(made.untouched)}", "dim"))
    for name, moves in made.movements.items():
        title = f"last {days} days, if {name} were the book for what it applies to"
        if any(row["simulated_cents"] != row["current_cents"] for row in moves):
            screen.print(Text(f"{title}:"), table("", [_movement(row) for row in moves]))
        else:
            screen.print(Text(f"{title}: nothing moves"))


def _movement(row: Row) -> Row:
    digits, now, then = row["minor_unit"], row["current_cents"], row["simulated_cents"]
    return {
        "channel": row["channel_code"], "currency": row["currency"], "now": money(now, digits),
        "then": money(then, digits), "moves by": ("+" if then > now else "") + money(then - now, digits),
    }  # fmt: skip


def _brief(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else value
