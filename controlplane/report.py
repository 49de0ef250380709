"""`ctl report`: each tenant's health, revenue by channel, model and partner, and the proof of it all."""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

import psycopg
from rich.box import SIMPLE_HEAD
from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from controlplane.calls import call

Row = dict[str, Any]


def gather(connection: psycopg.Connection[Any], tenant: UUID | None = None) -> list[Row]:
    """The report of one tenant, or of every tenant that the connection may list, by name.

    Amounts are integers of the currency's minor unit. Reads views only; a report is one consistent snapshot.
    """
    if tenant is not None:
        return [_of_tenant(connection, {"id": tenant, "name": str(tenant)})]
    tenants = call(connection, "tenants")
    return [
        _of_tenant(connection, row) for row in sorted(tenants, key=lambda row: (row["name"], str(row["id"])))
    ]


def render(report: Row) -> Group:
    """One tenant's report as tables for the terminal."""
    parts: list[Any] = [Text(report["name"], style="bold"), health_table(report["health"])]
    for currency in dict.fromkeys(row["currency"] for row in report["channels"]):
        parts.append(Text(f"Revenue by channel and model, {currency}", style="bold"))
        parts.append(channel_table([row for row in report["channels"] if row["currency"] == currency]))
    if report["partners"]:
        parts.append(Text("Partners, refunds taken off", style="bold"))
        parts.append(partner_table(report["partners"]))
    parts.append(Text("Conservation: what was sold, and what the book divided", style="bold"))
    parts.append(conservation_table(report["conservation"]))
    return Group(*parts)


def print_report(reports: Sequence[Row], console: Console) -> None:
    """Print every tenant's report."""
    for report in reports:
        console.print(render(report))
    if not reports:
        console.print("no tenants yet: ctl tenant create")


def health_table(health: Sequence[Row]) -> Table:
    """The pipeline's state, one line per figure."""
    table = Table("pipeline", box=SIMPLE_HEAD)
    table.add_column("", justify="right")
    for row in health:
        for name, value in row.items():
            if name == "tenant_id":
                continue
            table.add_row(name.replace("_", " "), f"{value:,}" if isinstance(value, int) else str(value or 0))
    return table


def channel_table(rows: Sequence[Row]) -> Table:
    """One currency's revenue: a line per channel, a column per rule, the book first; the sums below."""
    table = Table("channel", box=SIMPLE_HEAD)
    rules = sorted({(not row["is_book"], row["rule_name"]) for row in rows})
    for is_shadow, name in rules:
        table.add_column(name if is_shadow else f"{name} (book)", justify="right", no_wrap=True)
    digits = rows[0]["minor_unit"] if rows else 2
    cells = {(row["channel_code"], row["rule_name"]): row["revenue_cents"] for row in rows}
    for channel in dict.fromkeys(row["channel_code"] for row in rows):
        if channel is None:
            table.add_section()
        table.add_row(channel or "total", *(money(cells.get((channel, name)), digits) for _, name in rules))
    return table


def partner_table(rows: Iterable[Row]) -> Table:
    """One line per currency and partner, in the order of what they brought."""
    table = Table("currency", "partner", box=SIMPLE_HEAD)
    for name in ("rank", "sales", "net"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in rows:
        net = money(row["net_cents"], row["minor_unit"])
        table.add_row(row["currency"], row["partner_id"], str(row["rank"]), f"{row['sales']:,}", net)
    return table


def conservation_table(rows: Iterable[Row]) -> Table:
    """One line per currency: the sales, what the book allocated of them, and the drift, which is zero."""
    table = Table("currency", box=SIMPLE_HEAD)
    for name in ("conversions", "revenue", "allocated", "drift", "ledger net", ""):
        table.add_column(name, justify="right", no_wrap=True)
    for row in rows:
        amounts = (row["revenue_cents"], row["allocated_cents"], row["drift_cents"], row["net_cents"])
        verdict = "[red]DRIFT[/]" if row["drift_cents"] else "[green]exact[/]"
        shown = (money(amount, row["minor_unit"]) for amount in amounts)
        table.add_row(row["currency"], f"{row['conversions']:,}", *shown, verdict)
    return table


def money(cents: int | None, minor_unit: int = 2) -> str:
    """Minor units as an amount, such as 123456 and 2 digits as 1,234.56; empty for None."""
    if cents is None:
        return ""
    units, rest = divmod(abs(int(cents)), 10**minor_unit)
    fraction = f".{rest:0{minor_unit}d}" if minor_unit else ""
    return f"{'-' if cents < 0 else ''}{units:,}{fraction}"


def _of_tenant(connection: psycopg.Connection[Any], tenant: Row) -> Row:
    report = {"tenant_id": tenant["id"], "name": tenant["name"]}
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        connection.execute("SELECT attribution.set_tenant(%s)", [tenant["id"]])
        for part in ("health", "channels", "partners", "conservation"):
            # A superuser is above row-level security: the query names the tenant itself.
            report[part] = call(connection, f"report_{part}", {"tenant": tenant["id"]})
    return report
