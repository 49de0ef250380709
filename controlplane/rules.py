"""Rules from a file: what is wrong with them, what they would change, and making it so.

The database validates, simulates and stores; here are the file's lines, and what only a file can get wrong. A
rule is a JSON object as `attribution.validate_rule(jsonb)` describes it. Amounts are minor units.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from controlplane.calls import Connection, Row, call
from controlplane.yamlfile import Document, Problem

DEFAULTS: Row = {
    "model_type": None, "config": {}, "applies_to": {}, "priority": 100, "is_book": False,
    "constraint_mode": "must_sum_to_100",
}  # fmt: skip
KEYS = ("name", *DEFAULTS)
DAYS = 30  # the history that warnings and simulations look at


@dataclass(frozen=True)
class Change:
    """What a file would do to one rule: created, updated or unchanged; each field as (old, new)."""

    name: str
    change: str
    version: int | None
    rule: Row
    fields: dict[str, tuple[Any, Any]]


@dataclass
class Plan:
    """The changes of a file, the active rules that it leaves alone, warnings, and how totals would move."""

    changes: list[Change]
    untouched: list[str]
    warnings: list[Problem] = field(default_factory=list)
    movements: dict[str, list[Row]] = field(default_factory=dict)

    def as_dict(self) -> Row:
        """For `--json`."""
        return asdict(self)


def rule_paths(document: Document) -> list[tuple[str, Any]]:
    """Each rule of a file with its path. The file is a list of rules, or a mapping with `rules`."""
    value, path = document.value, "$"
    if isinstance(value, dict):
        for key in value.keys() - {"rules"}:
            document.complain(f"$.{key}", f"unknown key {key}", "a file has rules: and a list")
        value, path = value.get("rules"), "$.rules"
    if not isinstance(value, list):
        if not document.problems:
            document.complain(path, "no list of rules", "start each rule with a dash: - name: …")
        return []
    return [(f"{path}[{number}]", rule) for number, rule in enumerate(value)]


def validate(connection: Connection, document: Document, tenant: UUID | None = None) -> list[Row]:
    """The rules of a file, complete with defaults; none if there is a mistake: all are in the document.

    With a tenant, clashes with its active rules are mistakes too.
    """
    found = rule_paths(document)
    for path, rule in found:
        known = rule
        if isinstance(rule, dict):
            known = {key: value for key, value in rule.items() if key in KEYS}
            for key in rule.keys() - KEYS:
                document.complain(f"{path}.{key}", f"unknown key {key}", f"a rule has {', '.join(KEYS)}")
            if not isinstance(rule.get("name", ""), str):
                document.complain(f"{path}.name", "name is not a text", "put it in quotes")
        for row in call(connection, "validate_rule", [Jsonb(known)]):
            document.complain(path + row["path"][1:], row["message"], row["hint"])
    rules = [(path, rule) for path, rule in found if isinstance(rule, dict)]
    _unique(document, rules)
    _rivals(document, rules, active(connection, tenant) if tenant else [])
    return [] if document.problems else [_complete(rule) for _, rule in rules]


def active(connection: Connection, tenant: UUID) -> list[Row]:
    """The active rule versions of a tenant."""
    return [row for row in listed(connection, tenant) if row["status"] == "active"]


def listed(connection: Connection, tenant: UUID) -> list[Row]:
    """Every rule version of a tenant, by name and version."""
    return call(connection, "rules", [tenant], tenant=tenant)


def plan(
    connection: Connection, document: Document, tenant: UUID, rules: list[Row], days: int = DAYS
) -> Plan:
    """What applying valid rules would change, with warnings. Stores nothing."""
    versions = listed(connection, tenant)
    newest = {row["name"]: row for row in versions}
    live = {row["name"]: row for row in versions if row["status"] == "active"}
    made = Plan([_change(rule, newest.get(rule["name"]), live.get(rule["name"])) for rule in rules],
                sorted(live.keys() - {rule["name"] for rule in rules}))  # fmt: skip
    future = live | {rule["name"]: rule for rule in rules}
    for (path, _), change in zip(rule_paths(document), made.changes, strict=True):
        for message, hint in _doubts(connection, tenant, future[change.name], future, days):
            made.warnings.append(
                Problem(document.line(path + ".applies_to"), path, f"{change.name}: {message}", hint)
            )
    return made


def simulate(connection: Connection, tenant: UUID, made: Plan, days: int = DAYS) -> None:
    """Add to a plan how the last days' totals would move if each book rule that changes were the book."""
    for change in made.changes:
        if change.rule["is_book"] and change.change != "unchanged":
            values = {"tenant": tenant, "rule": Jsonb(change.rule), "days": days}
            made.movements[change.name] = call(connection, "simulate_rule", values, tenant=tenant)


def apply(connection: Connection, tenant: UUID, made: Plan, *, draft: bool = False) -> list[Row]:
    """Make the tenant's rules what a plan says, all or none: name, version and change of each."""
    with connection.transaction():
        if not draft:  # book rules may swap their priorities: the old versions step aside first
            for change in made.changes:
                if change.change == "updated" and change.version is not None:
                    call(connection, "set_rule_status", [tenant, change.name, change.version, "retired"])
        return [
            {
                "name": change.name,
                **call(connection, "apply_rule", [tenant, Jsonb(change.rule), not draft])[0],
            }
            for change in made.changes
        ]


def conversion_days(connection: Connection, tenant: UUID, start: str) -> list[Row]:
    """The days with conversions from a date (YYYY-MM-DD, in the tenant's zone) on: day, start, finish."""
    return call(connection, "conversion_days", {"tenant": tenant, "from": start}, tenant=tenant)


def restate(connection: Connection, tenant: UUID, days: list[Row]) -> Iterator[tuple[int, int]]:
    """Recompute days, each in a transaction of its own; (conversions, changed) after each."""
    for day in days:
        counts = call(connection, "rebuild", [tenant, day["start"], day["finish"]])[0]
        yield counts["conversions"], counts["changed"]


def _complete(rule: Row) -> Row:
    """A valid rule with its defaults, as the database stores it."""
    given = {key: value for key, value in rule.items() if value is not None}
    return DEFAULTS | given | {"priority": int(given.get("priority", 100))}


def _unique(document: Document, rules: list[tuple[str, Row]]) -> None:
    seen: dict[str, str] = {}
    for path, rule in rules:
        name = rule.get("name")
        if isinstance(name, str):
            first = seen.setdefault(name, path)
            if first != path:
                line = document.line(f"{first}.name")
                document.complain(
                    f"{path}.name", f"rule {name} is in the file twice", f"first on line {line}"
                )


def _rivals(document: Document, rules: list[tuple[str, Row]], live: list[Row]) -> None:
    """Two book rules of one priority: which of them is the book would be an accident of age."""
    names = {rule.get("name") for _, rule in rules}
    taken = {str(row["priority"]): f"the active rule {row['name']}" for row in live
             if row["is_book"] and row["name"] not in names}  # fmt: skip
    for path, rule in rules:
        priority = str(rule.get("priority", DEFAULTS["priority"]))
        if rule.get("is_book") is True and priority in taken:
            hint = f"{taken[priority]} has it too: the lowest number wins where both apply"
            document.complain(f"{path}.priority", f"two book rules with priority {priority}", hint)
        if rule.get("is_book") is True:
            taken.setdefault(priority, f"rule {rule.get('name')}")


def _change(rule: Row, newest: Row | None, live: Row | None) -> Change:
    old = live or newest
    if old is None:
        return Change(rule["name"], "created", None, rule, {})
    moved = {key: (old[key], rule[key]) for key in DEFAULTS if old[key] != rule[key]}
    if live is None:
        moved["status"] = (old["status"], "active")
    elif newest is not None and newest["version"] != live["version"] and not moved:
        moved["version"] = (newest["version"], "a new one")  # a newer draft or retired version says otherwise
    return Change(
        rule["name"], "updated" if moved else "unchanged", live["version"] if live else None, rule, moved
    )


def _doubts(
    connection: Connection, tenant: UUID, rule: Row, future: dict[str, Row], days: int
) -> Iterator[tuple[str, str]]:
    values = {"tenant": tenant, "applies_to": Jsonb(rule["applies_to"]), "days": days}
    counts = call(connection, "conversions_of_rule", values, tenant=tenant)[0]
    if counts["conversions"] and not counts["applicable"]:
        yield (f"applies to none of the {counts['conversions']:,} conversions of the last {days} days",
               "check applies_to")  # fmt: skip
    first = min((other for other in future.values() if other["is_book"] and not other["applies_to"]),
                key=lambda other: other["priority"], default=None)  # fmt: skip
    if rule["is_book"] and first and first["priority"] < rule["priority"]:
        yield (
            f"is never the book: rule {first['name']} applies to everything and comes first",
            ("give it a lower priority number"),
        )
