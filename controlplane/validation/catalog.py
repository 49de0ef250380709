"""What a database holds, as far as judging a migration needs it: plain values, read once per unit."""

from collections.abc import Mapping
from dataclasses import dataclass, field

NOTHING: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Column:
    """`type` as format_type() writes it ("character varying(20)"); `default` is its SQL, "" for none."""

    type: str
    not_null: bool = False
    default: str = ""


@dataclass(frozen=True)
class Constraint:
    """`kind` is contype (c, f, p, u, x); `definition` as pg_get_constraintdef() writes it."""

    kind: str
    definition: str
    validated: bool = True


@dataclass(frozen=True)
class Policy:
    """A row-level security policy. `command` is ALL, SELECT, INSERT, UPDATE or DELETE; "" no expression.

    `roles` are those that it is for; none: PUBLIC.
    """

    command: str
    using: str = ""
    check: str = ""
    permissive: bool = True
    roles: frozenset[str] = NOTHING


@dataclass(frozen=True)
class Trigger:
    """`function` is "schema.name"; `enabled` is tgenabled (O, A, R, D); `definition` the whole SQL."""

    function: str
    enabled: str = "O"
    definition: str = ""


@dataclass(frozen=True)
class Relation:
    """A table, view, index or sequence. `kind` is relkind (r, p, v, m, f, i, I, S); `rows` is a true count.

    `reads` names the relations that a view reads; `table` the table of an index; `partition_of` the parent.
    """

    name: str
    kind: str
    columns: Mapping[str, Column] = field(default_factory=dict)
    rows: int = 0
    rls: bool = False
    force_rls: bool = False
    policies: Mapping[str, Policy] = field(default_factory=dict)
    triggers: Mapping[str, Trigger] = field(default_factory=dict)
    constraints: Mapping[str, Constraint] = field(default_factory=dict)
    reads: frozenset[str] = NOTHING
    security_invoker: bool = False
    table: str = ""
    unique: bool = False
    valid: bool = True
    partition_of: str = ""
    partition_bound: str = ""


@dataclass(frozen=True)
class Function:
    """`name` is "schema.name", `arguments` as pg_get_function_identity_arguments() writes them.

    `body` is prosrc, or the SQL-standard body; `kind` is prokind (f, p, a, w); `volatility` is i, s or v;
    `public` tells whether PUBLIC may execute it.
    """

    name: str
    arguments: str
    language: str
    body: str
    kind: str = "f"
    volatility: str = "v"
    definer: bool = False
    search_path: str = ""
    returns_trigger: bool = False
    public: bool = True
    definition: str = ""


@dataclass(frozen=True)
class Catalog:
    """The database before a unit runs. Names are "schema.name", unquoted.

    An empty catalog (no server) means that nothing is known: every object that the migration did not
    create itself counts as an existing one with rows in it.
    """

    relations: Mapping[str, Relation] = field(default_factory=dict)
    functions: tuple[Function, ...] = ()
    enums: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    domains: Mapping[str, bool] = field(default_factory=dict)
    """Each domain, and whether it has a constraint (CHECK or NOT NULL)."""
    schemas: frozenset[str] = NOTHING
    roles: frozenset[str] = NOTHING
    tenant_columns: tuple[str, ...] = ("tenant_id",)
    search_path: tuple[str, ...] = ("public",)
    spanning_roles: frozenset[str] = NOTHING
    """Roles that may see all tenants' rows, as migration-policy.toml says and explains."""
    known: bool = False
    """Whether this was read from a server; False for the empty catalog of --static-only."""

    def relation(self, name: str) -> Relation | None:
        """The relation called `name`, "schema.name" or, through the search path, only "name"."""
        if "." in name:
            return self.relations.get(name)
        for schema in self.search_path:
            if found := self.relations.get(f"{schema}.{name}"):
                return found
        return None

    def functions_named(self, name: str) -> list[Function]:
        """Every overload of a function, "schema.name" or, through the search path, only "name"."""
        names = {name} if "." in name else {f"{schema}.{name}" for schema in self.search_path}
        return [function for function in self.functions if function.name in names]

    def is_tenant_table(self, name: str) -> bool:
        """Whether a relation has a column that tells whose row it is."""
        found = self.relation(name)
        return found is not None and any(column in found.columns for column in self.tenant_columns)
