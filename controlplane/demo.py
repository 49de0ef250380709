"""`ctl demo`: two simulated businesses send 30 days of events, and SQL says what became of them.

Python sends, counts rows and prints. Every credit and every sum of money comes from a statement of demo.sql.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields
from typing import Any, cast
from uuid import UUID

import psycopg
from psycopg import errors, sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.types.json import Jsonb
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.progress import track
from rich.table import Table

from controlplane import ledger, report, simulator
from controlplane import verify as checks
from controlplane.calls import call
from controlplane.commands import common
from controlplane.db import connect, queries
from controlplane.errors import CtlError
from controlplane.report import money
from controlplane.simulator import Delivery, Event

BATCH_ROWS = 500
"""Rows per INSERT, each INSERT a transaction of its own."""
DRAIN_CALLS = 10
"""Calls of run_pending, after which what is still queued is reported as queued."""

COLUMNS = tuple(field.name for field in fields(Event))

Row = dict[str, Any]
Connection = psycopg.Connection[Any]


@dataclass(frozen=True, slots=True)
class Player:
    """A business of the demo: its tenant and login, when it is attributed (sync, deferred), what it sends."""

    name: str
    role: str
    currency: str
    mode: str
    script: Callable[[], list[Delivery]]


PLAYERS = (
    Player("Demo Shop", "attribution_demo_shop", "USD", "sync", simulator.shop),
    Player("Demo Vendor", "attribution_demo_vendor", "EUR", "deferred", simulator.vendor),
)


def run(url: str, *, json_output: bool, players: Sequence[Player] = PLAYERS) -> int:
    """Play the demo on a migrated database and print what came of it; running it again changes nothing.

    `url` must be a superuser's: the demo creates tenants and logins, and then sends as those logins.
    Returns 0 when no row was lost, every sum is exact and `attribution.verify()` is clean, else 1.
    Raises CtlError where policies don't bind a login, psycopg.Error when the server refuses.
    """
    with connect(url, autocommit=True) as admin:
        found = _play(admin, url, players)
    common.emit(found, json_output, lambda: _show(found, common.console()))
    return 0 if found["clean"] else 1


def _play(admin: Connection, url: str, players: Sequence[Player]) -> Row:
    """Let everyone send, drain the queue, and collect what SQL says of it."""
    call(admin, "sample_rates", {"rates": Jsonb(list(simulator.RATES))})
    stages = [_Stage(admin, url, player) for player in players]
    for stage in stages:
        stage.send()
    for _ in range(DRAIN_CALLS):
        admin.execute("CALL attribution.run_pending()")
        if not any(stage.queue_depth() for stage in stages):
            break
    tenants = [stage.report() for stage in stages]
    breaches = [breach._asdict() for breach in checks.verify(admin)]
    sound = all(tenant["verdicts"]["lost"] == 0 and tenant["is_exact"] for tenant in tenants)
    return {"clean": sound and not breaches, "tenants": tenants, "breaches": breaches}


class _Stage:
    """One player on this database: its tenant and login, made if need be, and what it held beforehand."""

    def __init__(self, admin: Connection, url: str, player: Player) -> None:
        self.admin, self.url, self.player = admin, url, player
        self.tenant: UUID = self._tenant()
        self._login()
        self.before = self._holdings()
        self.keys: list[str] = []
        self.queued = 0

    def ask(self, statement: str, **parameters: Any) -> list[Row]:
        """The rows of a named statement about this tenant, with the tenant in context."""
        return call(self.admin, statement, {"tenant": self.tenant, **parameters}, tenant=self.tenant)

    def queue_depth(self) -> int:
        """Queue entries that wait for run_pending."""
        return sum(row["queue_depth"] for row in self.ask("queue_depth"))

    def send(self) -> None:
        """INSERT every delivery in order of arrival, in batches, as the player's own login."""
        script = self.player.script()
        self.keys = [delivery.event.external_event_id for delivery in script]
        batches = [script[start : start + BATCH_ROWS] for start in range(0, len(script), BATCH_ROWS)]
        with self._app() as app:
            screen = Console(stderr=True)
            title = f"{self.player.name} sends"
            for batch in track(batches, title, console=screen, disable=not screen.is_terminal):
                with app.transaction():
                    app.execute("SELECT attribution.set_tenant(%s)", [self.tenant])
                    app.execute(queries()["send"].encode(), _columns(batch))
        self.queued = self.queue_depth()

    def report(self) -> Row:
        """What this run added, and the tenant's figures as they now stand."""
        proof = self.ask("proof")
        return {
            "name": self.player.name,
            "tenant_id": self.tenant,
            "role": self.player.role,
            "mode": self.player.mode,
            "queued_before_drain": self.queued,
            "verdicts": self._verdicts(),
            "channels": report.gather(self.admin, self.tenant)[0]["channels"],
            "proof": proof,
            "is_exact": bool(proof) and all(line["is_exact"] for line in proof),
            "states": {row["state"]: row["transactions"] for row in self.ask("states")},
            "seal": ledger.newest_seals(self.admin, self.tenant)[0],
            "story": self._story(),
            "connect": make_conninfo(**_as_role(self.url, self.player.role)),
        }

    def _verdicts(self) -> Row:
        """How this run's deliveries fared. What is neither new nor lost repeats an event or a dead event."""
        after = self._holdings()
        new = {what: after["counts"][what] - self.before["counts"][what] for what in after["counts"]}
        codes = {code: rows - self.before["codes"].get(code, 0) for code, rows in after["codes"].items()}
        [lost] = self.ask("lost", keys=self.keys)
        return {
            "sent": len(self.keys),
            "accepted": new["events"],
            "duplicates": len(self.keys) - lost["lost"] - new["events"] - new["dead_events"],
            "quarantined": codes,
            "lost": lost["lost"],
            "new": new,
            "held": after["counts"],
        }

    def _holdings(self) -> Row:
        [counts] = self.ask("holdings")
        return {
            "counts": counts,
            "codes": {row["error_code"]: row["dead_events"] for row in self.ask("quarantine")},
        }

    def _story(self) -> Row | None:
        """One sale from its touches to its postings; None where no sale had touches enough."""
        for sale in self.ask("story"):
            keys = {"event": sale["event_id"], "rule": sale["rule_id"]}
            return {
                **sale,
                "shares": self.ask("story_shares", **keys),
                "postings": self.ask("story_postings", **keys),
            }
        return None

    def _tenant(self) -> UUID:
        """The demo's own tenant from an earlier run, or a new one; never a real one of the same name."""
        player = self.player
        email = f"ops@{player.role.replace('_', '-')}.example"
        for row in call(self.admin, "tenants"):
            if (row["name"], row["notification_email"]) == (player.name, email):
                return cast(UUID, row["id"])
        new = {
            "name": player.name,
            "email": email,
            "currency": player.currency,
            "zone": "UTC",
            "settings": Jsonb({"mode": player.mode, "max_future": "1 day"}),
        }
        [row] = call(self.admin, "create_tenant", new)
        return cast(UUID, row["tenant_id"])

    def _login(self) -> None:
        """Create the login, without a password, if the cluster has none yet; bind it to the tenant."""
        create = sql.SQL("CREATE ROLE {} LOGIN IN ROLE attribution_app")
        # It may be there from an earlier run, on this database or on a neighbour: _app() looks at its rights.
        with suppress(errors.DuplicateObject, errors.UniqueViolation):
            self.admin.execute(create.format(sql.Identifier(self.player.role)))
        call(self.admin, "bind_login", [self.player.role, self.tenant])

    def _app(self) -> Connection:
        """A connection as the player's login, which has no password. Where the server asks for one, it is the
        superuser's with its session authorization given up. Raises CtlError if policies don't bind the login.
        """
        try:
            app: Connection = psycopg.connect(**_as_role(self.url, self.player.role), autocommit=True)
        except psycopg.OperationalError:
            app = connect(self.url, autocommit=True)
            app.execute(sql.SQL("SET SESSION AUTHORIZATION {}").format(sql.Identifier(self.player.role)))
        [me] = call(app, "session")
        if me["is_above_policies"] or not me["is_app"]:
            app.close()
            raise CtlError(
                f"the demo's login {me['role']} is not an ordinary member of attribution_app",
                hint=f"DROP ROLE {me['role']}, and run the demo again: it makes its own",
            )
        return app


def _columns(batch: Sequence[Delivery]) -> Row:
    """A batch column by column, for unnest()."""
    columns: Row = {name: [getattr(delivery.event, name) for delivery in batch] for name in COLUMNS}
    columns["raw_payload"] = [value and json.dumps(value) for value in columns["raw_payload"]]
    return columns


def _as_role(url: str, role: str) -> Row:
    """The connection parameters of a URL for another user, whose password is not this one's."""
    return {key: value for key, value in conninfo_to_dict(url).items() if key != "password"} | {"user": role}


def _show(found: Row, console: Console) -> None:
    """Print the whole demo for people."""
    tenants = found["tenants"]
    console.print("Verdicts: what became of this run's rows", style="bold")
    console.print(_verdict_table(tenants))
    for tenant in tenants:
        for currency in dict.fromkeys(row["currency"] for row in tenant["channels"]):
            rows = [row for row in tenant["channels"] if row["currency"] == currency]
            console.print(f"{tenant['name']}: revenue by channel and model, {currency}", style="bold")
            console.print(report.channel_table(rows))
    console.print("Proof: the ledger holds every cent that was sold", style="bold")
    console.print(_proof_table(tenants))
    for tenant in tenants:
        states = ", ".join(f"{count:,} {state}" for state, count in tenant["states"].items())
        console.print(f"{tenant['name']}: {states}", highlight=False)
        seal = tenant["seal"]
        console.print(f"  batches sealed: {seal['seq']:,}, chain hash {seal['chain_hash']}", highlight=False)
    console.print()
    if story := next((tenant["story"] for tenant in tenants if tenant["story"]), None):
        _tell(story, console)
    for breach in found["breaches"]:
        console.print(
            f"[red]breach[/] {breach['check']}: " + escape(f"{breach['object']}: {breach['detail']}")
        )
    if found["clean"]:
        console.print("[green]attribution.verify() finds nothing: every invariant holds.[/]")
    else:
        console.print("[red]Not clean: see the breaches and the sums above.[/]")
    console.print("\nLook around with psql, as an app would:", style="bold")
    for tenant in tenants:
        console.print(f'  psql "{tenant["connect"]}"', soft_wrap=True, highlight=False)
        console.print(
            f"    BEGIN; SELECT attribution.set_tenant('{tenant['tenant_id']}');\n"
            "    SELECT * FROM attribution.channel_performance LIMIT 10; COMMIT;",
            highlight=False,
        )


def _verdict_table(tenants: Sequence[Row]) -> Table:
    table = Table("", box=SIMPLE_HEAD)
    for tenant in tenants:
        table.add_column(f"{tenant['name']} ({tenant['mode']})", justify="right")
    verdicts = [tenant["verdicts"] for tenant in tenants]

    def line(label: str, values: Iterable[int]) -> None:
        table.add_row(label, *(f"{value:,}" for value in values))

    line("sent", (verdict["sent"] for verdict in verdicts))
    line("accepted", (verdict["accepted"] for verdict in verdicts))
    line("duplicates", (verdict["duplicates"] for verdict in verdicts))
    line("quarantined", (verdict["new"]["dead_events"] for verdict in verdicts))
    for code in sorted({code for verdict in verdicts for code in verdict["quarantined"]}):
        line(f"  {code}", (verdict["quarantined"].get(code, 0) for verdict in verdicts))
    line("lost", (verdict["lost"] for verdict in verdicts))
    table.add_section()
    line("queued until run_pending", (tenant["queued_before_drain"] for tenant in tenants))
    line("new ledger lines", (verdict["new"]["ledger_lines"] for verdict in verdicts))
    line("ledger lines in all", (verdict["held"]["ledger_lines"] for verdict in verdicts))
    return table


def _proof_table(tenants: Sequence[Row]) -> Table:
    """One column per tenant and currency: the sums stand below one another, cent by cent."""
    table = Table("", box=SIMPLE_HEAD)
    lines = [line for tenant in tenants for line in tenant["proof"]]
    for tenant in tenants:
        for line in tenant["proof"]:
            table.add_column(f"{tenant['name']}, {line['currency']}", justify="right", no_wrap=True)
    table.add_row("sales", *(f"{line['conversions']:,}" for line in lines))
    for label, name in (("captured", "captured"), ("refunded", "refunded"), ("net", "net"),
                        ("net in US dollars", "net_usd")):  # fmt: skip
        table.add_row(label, *(money(line[f"{name}_cents"]) for line in lines))
    table.add_section()
    table.add_row("ledger lines", *(f"{line['ledger_lines']:,}" for line in lines))
    table.add_row("sum of the ledger", *(money(line["ledger_cents"]) for line in lines))
    table.add_row("drift of the shares", *(money(line["drift_cents"]) for line in lines))
    table.add_row("", *("[green]exact[/]" if line["is_exact"] else "[red]NOT EXACT[/]" for line in lines))
    return table


def _tell(story: Row, console: Console) -> None:
    """The story of one sale: its touches with their shares and why, then how it was posted."""
    sale = f"{money(story['revenue_cents'])} {story['currency']}, {story['occurred_at']:%d %b %H:%M}"
    console.print(f"The story of {story['transaction_id']}: {sale}", style="bold", highlight=False)
    table = Table("#", box=SIMPLE_HEAD)
    table.add_column("when", no_wrap=True)
    table.add_column("touch", no_wrap=True)
    table.add_column("ratio", justify="right", no_wrap=True)
    table.add_column("share", justify="right", no_wrap=True)
    table.add_column("why")
    for share in story["shares"]:
        origin = share["campaign_id"] or share["partner_id"]
        touch = (share["event_type"], share["channel_code"], origin)
        table.add_row(
            str(share["position"]),
            f"{share['occurred_at']:%d %b %H:%M}" if share["occurred_at"] else "",
            "\n".join(word for word in touch if word),
            f"{share['allocation_ratio']:.6f}",
            money(share["allocated_revenue_cents"]),
            escape(share["reason"]),
        )
    table.add_section()
    table.add_row("", "", story["rule_name"], "", money(story["allocated_cents"]), "together")
    console.print(table)
    for posting in story["postings"]:
        console.print(
            f"  {posting['kind']}: {posting['lines']} lines, {money(posting['credited_cents'])} posted, "
            f"{money(posting['reversed_cents'])} reversed: {posting['reason']}",
            highlight=False,
            markup=False,
        )
