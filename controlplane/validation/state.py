"""What is known while a migration is read: the catalogue before it, and what has changed since."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from controlplane.validation import rules
from controlplane.validation.catalog import Catalog, Column, Constraint, Policy, Relation, Trigger
from controlplane.validation.model import Finding, Severity
from controlplane.validation.parse import UNKNOWN, constant, walk, words
from controlplane.validation.reading import Body, Read

MODES = (
    "ACCESS SHARE",
    "ROW SHARE",
    "ROW EXCLUSIVE",
    "SHARE UPDATE EXCLUSIVE",
    "SHARE",
    "SHARE ROW EXCLUSIVE",
    "EXCLUSIVE",
    "ACCESS EXCLUSIVE",
)
BLOCKS_WRITERS = MODES.index("SHARE")
TABLES = "rp"
LONG_MS = 60_000  # who waits longer for a lock stalls everyone who comes after


@dataclass
class Table:
    """A relation as the migration has made it so far."""

    name: str
    kind: str = "r"
    columns: dict[str, Column] = field(default_factory=dict)
    rls: bool = False
    force_rls: bool = False
    policies: dict[str, Policy] = field(default_factory=dict)
    triggers: dict[str, Trigger] = field(default_factory=dict)
    constraints: dict[str, Constraint] = field(default_factory=dict)
    keys: list[frozenset[str]] = field(default_factory=list)
    reads: frozenset[str] = frozenset()
    security_invoker: bool = False

    @classmethod
    def of(cls, found: Relation) -> "Table":
        """A copy of what the catalogue holds, for the migration to change."""
        return cls(
            found.name, found.kind, dict(found.columns), found.rls, found.force_rls, dict(found.policies),
            dict(found.triggers), dict(found.constraints), [], found.reads, found.security_invoker,
        )  # fmt: skip


class State:
    """The catalogue before (`catalog`), what this migration made, and what its transaction holds.

    Objects are keyed by "schema.name", those that are no relations with their kind before it: "type a.b",
    "function a.b", "column a.b.c", "schema a", "role a", "view a.b", "policy a.b c", "trigger a.b c".
    """

    def __init__(self, catalog: Catalog, major: int, lock_timeout_ms: int | None) -> None:
        self.catalog = catalog
        self.major = major
        self.findings: list[Finding] = []
        self._told: set[str] = set()

        # the session
        self.given_timeout = lock_timeout_ms
        self.default_timeout = lock_timeout_ms
        self.timeout = lock_timeout_ms
        self.local_timeout = False
        self.search_path: Sequence[str] = catalog.search_path

        # the transaction
        self.locks: dict[str, tuple[int, Read]] = {}
        self.unvalidated: set[tuple[str, str]] = set()  # (table, constraint)
        self.new_labels: dict[str, str] = {}  # the enum type of each new label

        # the database as it is by now
        self.born: set[str] = set()
        self.renamed: dict[str, str] = {}  # what was there before, by its name now
        self.tables: dict[str, Table] = {}
        self.indexes: dict[str, tuple[str, ...]] = {}
        self.functions: dict[str, list[Body]] = {}
        self.volatile = {found.name: found.volatility == "v" for found in catalog.functions}
        self.pinned = {found.name: bool(found.search_path) for found in catalog.functions}
        self.public = {found.name for found in catalog.functions if found.public}
        self.public_by_default = True
        self.domains = dict(catalog.domains)

        # what is judged by how it ends
        self.made: dict[str, Read] = {}
        self.dropped: dict[str, Read] = {}
        self.definers: dict[str, Read] = {}

    # Names

    def name(self, node: Any) -> str:
        """A RangeVar as "schema.name"; what has no schema is looked for along the search path."""
        return "pg_temp." + node.relname if node.relpersistence == "t" else self.qualified(
            [part for part in (node.schemaname, node.relname) if part]
        )  # fmt: skip

    def qualified(self, parts: Sequence[str]) -> str:
        """The parts of a name as "schema.name"."""
        if len(parts) != 1:
            return ".".join(parts[-2:])
        for schema in ("pg_temp", *self.search_path):
            name = f"{schema}.{parts[0]}"
            if name in self.born or name in self.catalog.relations or self._is_function(name):
                return name
        if parts[0].startswith("pg_"):  # PostgreSQL's own schema is searched first
            return f"pg_catalog.{parts[0]}"
        return f"{self.search_path[0] if self.search_path else 'public'}.{parts[0]}"

    def _is_function(self, name: str) -> bool:
        return any(function.name == name for function in self.catalog.functions)

    # What was there before

    def is_new(self, name: str, kind: str = "") -> bool:
        """Whether this migration made an object itself: a relation, or `kind` and a name, such as a type."""
        name = self.renamed.get(f"{kind}{name}", name)
        schema = name.partition(".")[0]
        if f"{kind}{name}" in self.born or schema == "pg_temp" or f"schema {schema}" in self.born:
            return True
        if (
            kind
            or not self.catalog.known
            or UNKNOWN in name
            or schema in ("pg_catalog", "information_schema")
        ):
            return False
        return name not in self.catalog.relations

    def table(self, name: str) -> Table:
        """A relation as it is by now."""
        if name not in self.tables:
            known = self.catalog.relations.get(name)
            self.tables[name] = Table.of(known) if known else Table(name)
        return self.tables[name]

    def has_column(self, table: str, column: str) -> bool:
        """Whether the catalogue had a column before; True where nothing is known."""
        relation = self.catalog.relations.get(table)
        return UNKNOWN in column or (column in relation.columns if relation else not self.is_new(table))

    def is_tenant_table(self, name: str) -> bool:
        """Whether a relation has a tenant column by now."""
        return any(column in self.table(name).columns for column in self.catalog.tenant_columns)

    def relations_in(self, node: Any) -> set[str]:
        """The relations that a query names, without its own CTEs."""
        own = {found.ctename for kind, found in walk(node) if kind == "common_table_expr"}
        return {
            self.name(found)
            for kind, found in walk(node)
            if kind == "range_var" and (found.schemaname or found.relname not in own)
        }

    def keys(self, name: str) -> list[frozenset[str]]:
        """The sets of columns that are unique in a table."""
        found = list(self.table(name).keys)
        for constraint in self.table(name).constraints.values():
            if constraint.kind in "pu":
                inside = constraint.definition.partition("(")[2].partition(")")[0]
                found.append(frozenset(column.strip().strip('"') for column in inside.split(",")))
        return found

    def bodies(self, name: str) -> list[Body]:
        """The bodies of a function's overloads: the migration's own first, else the catalogue's."""
        own = self.functions.get(self.qualified(name.split(".")))
        if own:
            return own
        return [
            Body(found.name, found.language, found.body, definition=found.definition)
            for found in self.catalog.functions
            if found.name == self.qualified(name.split("."))
        ]

    # Transactions and locks

    def end_transaction(self) -> None:
        """COMMIT or ROLLBACK: locks are gone, new enum values can be used, SET LOCAL is undone."""
        self.locks.clear()
        self.unvalidated.clear()
        self.new_labels.clear()
        if self.local_timeout:
            self.timeout, self.local_timeout = self.default_timeout, False

    def lock(self, name: str, mode: str, read: Read) -> None:
        """A statement takes a lock that lasts until the end of the transaction."""
        if self.is_new(name):
            return
        name = self.renamed.get(name, name)
        strength = MODES.index(mode)
        if strength >= BLOCKS_WRITERS and (not self.timeout or self.timeout > LONG_MS):
            self._without_timeout(name, mode, read)
        if mode == MODES[-1] and read.statement.in_transaction:
            self._second_table(name, read)
        held = self.locks.get(name)
        if held is None or held[0] < strength:
            self.locks[name] = (strength, read)

    def _without_timeout(self, name: str, mode: str, read: Read) -> None:
        rule, how = "LK010", "for ever" if self.timeout == 0 else f"for up to {(self.timeout or 0) // 1000} s"
        if self.timeout is None:
            rule, how = "LK009", "without a lock_timeout"
        told = f"{rule} {read.statement.direction}"  # once is enough: SET at the top mends them all
        if told not in self._told:
            self._told.add(told)
            self.report(read, rule, name, f"waits for {mode} on {name} {how}")

    def _second_table(self, name: str, read: Read) -> None:
        for other, (strength, since) in self.locks.items():
            if other != name and MODES[strength] == MODES[-1] and since.statement is not read.statement:
                message = f"ACCESS EXCLUSIVE on {name} while {other} is locked out since {since.location}"
                self.report(read, "LK018", name, message)
                return

    def work(self, name: str, what: str, read: Read) -> None:
        """A statement works through rows of `name`: too much while a lock that blocks others is held."""
        if self.is_new(name):
            return
        for locked, (strength, since) in self.locks.items():
            if strength >= BLOCKS_WRITERS and since.statement is not read.statement:
                self.report(
                    read, "LK011", locked,
                    f"{what} while {MODES[strength]} on {locked} is held since {since.location}",
                )  # fmt: skip
                return

    def turn_back(self) -> None:
        """The downgrade begins: a new session, and what the upgrade made is still its own."""
        self.end_transaction()
        self.timeout = self.default_timeout = self.given_timeout
        self.dropped.clear()
        self.made.clear()
        self.definers.clear()

    # Findings

    def report(
        self,
        read: Read,
        rule: str,
        object: str,
        message: str,
        *,
        fix: str = "",
        severity: Severity | None = None,
    ) -> None:
        """Add a finding about what `read` does, unless it is there already."""
        hidden = f"{message} (by {read.via})" if read.via else message
        found = rules.finding(
            rule, object, hidden, read.statement, location=read.location, severity=severity, fix_sql=fix
        )
        if found not in self.findings:
            self.findings.append(found)

    def existing_tables(self) -> Iterator[str]:
        """The tables that were there before."""
        return (name for name, found in self.catalog.relations.items() if found.kind in TABLES)


def type_name(node: Any) -> str:
    """A TypeName as "schema.name(size)", PostgreSQL's own without a schema."""
    parts = words(node.names)
    name = parts[-1] if parts[:1] == ["pg_catalog"] else ".".join(parts)
    sizes = ", ".join(constant(size) or "" for size in node.typmods)
    return f"{name}{f'({sizes})' if sizes else ''}{'[]' * len(node.array_bounds)}"
