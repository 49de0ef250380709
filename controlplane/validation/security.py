"""Isolation before and after a migration: what got weaker, measured by looking and by trying."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import psycopg

from controlplane.db import queries
from controlplane.validation import probes, roles, snapshot
from controlplane.validation.catalog import Catalog, Relation
from controlplane.validation.model import CapturedStatement, Evidence, Finding
from controlplane.validation.policy import Policy
from controlplane.validation.rules import finding

GRANTS = {
    "definer": "SE011",
    "default": "SE009",
}  # PUBLIC's, by kind; others: SE007 on tenants' data, else SE008
STRONG = {"A": 3, "O": 2, "R": 1, "D": 0}  # how much a trigger's state still catches
EXPLAINS = ("SE001", "SE002", "SE003", "SE004", "SE012")  # reasons why a probe leaks
POWERS = ("super", "createrole", "replication", "bypassrls")


@dataclass(frozen=True)
class Sight:
    """What was seen of one database: its catalog, PUBLIC's grants, roles, leaks and working guards.

    `state` stands for everything that these depend on.
    """

    catalog: Catalog
    public: frozenset[tuple[str, str, str]]
    roles: roles.Roles
    leaks: frozenset[probes.Leak]
    guarded: frozenset[tuple[str, str]]
    state: str


def look(connection: psycopg.Connection[Any], policy: Policy, known: Sight | None = None) -> Sight:
    """See a throwaway database. `connection` is a superuser's, in autocommit mode.

    Probes are not repeated where nothing that decides their answers differs from what is `known`.
    """
    catalog = snapshot.read(connection, policy)
    row = connection.execute(queries()["security_state"].encode()).fetchone()
    state = str(row and row[0])
    if known is not None and known.state == state:
        public = frozenset(connection.execute(queries()["public_grants"].encode()).fetchall())
        return replace(known, catalog=catalog, public=public)
    return Sight(
        catalog,
        frozenset(connection.execute(queries()["public_grants"].encode()).fetchall()),
        roles.read(connection),
        probes.leaks(connection, catalog),
        probes.guarded(connection, catalog),
        state,
    )


def compare(before: Sight, after: Sight, statements: Sequence[CapturedStatement]) -> list[Finding]:
    """What a migration made less secure, each at the statement that speaks of it."""
    return [
        finding(rule, name, message, blamed(statements, name, *words), evidence=Evidence.MEASURED)
        for rule, name, message, words in _weaker(before, after)
    ]


def joined(inferred: Sequence[Finding], measured: Sequence[Finding]) -> list[Finding]:
    """Both lists as one: what was inferred and then measured is said once.

    A leak that a probe found confirms whatever the reading says of that table or view.
    """
    covered: set[int] = set()
    merged = []
    for one in inferred:
        twins = {number for number, seen in enumerate(measured) if _confirms(seen, one)}
        covered |= twins
        merged.append(replace(one, evidence=Evidence.MEASURED) if twins else one)
    return merged + [one for number, one in enumerate(measured) if number not in covered]


def _confirms(seen: Finding, one: Finding) -> bool:
    if one.direction == "downgrade":
        return False  # what was seen is the state after the upgrade
    if seen.rule == "SE017" and one.rule in EXPLAINS:
        return _about(one, seen.object)
    # Default privileges have no object: one finding about them is about all of them.
    return seen.rule == one.rule and (one.rule == "SE009" or _about(one, seen.object))


def _about(one: Finding, name: str) -> bool:
    return one.object == name or one.object.startswith((f"{name}.", f"{name}("))


def isolation(before: Sight, after: Sight) -> str:
    """One line on how well tenants are kept apart after a migration."""
    tables = list(_tenant_tables(after.catalog))
    closed = [table for table in tables if table.rls and table.force_rls and table.policies]
    line = f"{len(closed)} of {len(tables)} tables with a tenant column: RLS on, forced, with a policy"
    leaking = {name for _, name, _ in after.leaks}
    new = leaking - {name for _, name, _ in before.leaks}
    if new:
        return f"{line}; other tenants' rows can be reached in {', '.join(sorted(new))}"
    return f"{line}; {len(leaking)} leaked before and do still" if leaking else f"{line}; no probe leaked"


def blamed(statements: Sequence[CapturedStatement], name: str, *words: str) -> CapturedStatement:
    """The last statement that speaks of an object (and, if any does, of the words); else the last one."""
    bare = name.rpartition(".")[2].partition("(")[0]
    about = [one for one in statements if bare and bare in one.sql]
    exact = [one for one in about if all(word.upper() in one.sql.upper() for word in words)]
    return (exact or about or list(statements))[-1]


Weakness = tuple[str, str, str, tuple[str, ...]]


def _weaker(before: Sight, after: Sight) -> Iterator[Weakness]:
    yield from _tables(before.catalog, after.catalog)
    yield from _guards(before, after)
    yield from _functions(before.catalog, after.catalog)
    yield from _views(before.catalog, after.catalog)
    yield from _grants(before, after)
    yield from _roles(before, after)
    yield from _leaks(before, after)


def _tenant_tables(catalog: Catalog) -> Iterator[Relation]:
    for relation in catalog.relations.values():
        if relation.kind in "rp" and probes.tenant_column(relation, catalog):
            yield relation


def _tables(before: Catalog, after: Catalog) -> Iterator[Weakness]:
    for table in _tenant_tables(after):
        old = before.relations.get(table.name)
        if old is None:
            parent = after.relations.get(table.partition_of)
            if parent and not parent.rls:
                continue  # a partition is judged as its table is
            missing = [
                what
                for what, there in (
                    ("RLS is not enabled", table.rls), ("RLS is not forced", table.force_rls),
                    ("it has no policy", bool(table.policies)),
                )
                if not there
            ]  # fmt: skip
            if missing:
                yield "SE002", table.name, f"{table.name} has a tenant column, and {', '.join(missing)}", ()
            continue
        if old.rls and not table.rls:
            yield "SE001", table.name, f"row-level security of {table.name} is off now", ("ROW LEVEL",)
        elif old.force_rls and not table.force_rls:
            yield "SE001", table.name, f"row-level security of {table.name} is no longer forced", ("FORCE",)
        gone = sorted(old.policies.keys() - table.policies.keys())
        if gone and not table.policies:
            yield "SE004", table.name, f"{table.name} lost its last policy ({', '.join(gone)})", ("POLICY",)


def _guards(before: Sight, after: Sight) -> Iterator[Weakness]:
    for name, old in before.catalog.relations.items():
        table = after.catalog.relations.get(name)
        guarded = sorted(operation for where, operation in before.guarded if where == name)
        if table is None or not guarded:
            continue
        weakened = False
        for trigger, was in old.triggers.items():
            now = table.triggers.get(trigger)
            if now is None:
                weakened = True
                yield "SE005", name, f"trigger {trigger} of {name} is gone", (trigger,)
            elif STRONG[now.enabled] < STRONG[was.enabled]:
                weakened = True
                yield "SE005", name, f"trigger {trigger} of {name} is {_state(now.enabled)}", (trigger,)
        lost = [operation for operation in guarded if (name, operation) not in after.guarded]
        if lost and not weakened and (table.rows or lost == ["TRUNCATE"]):
            functions = sorted({trigger.function for trigger in table.triggers.values()})
            message = f"{' and '.join(lost)} on {name} was refused, and goes through now"
            bare = next((f.rpartition(".")[2] for f in functions), "")
            yield "SE006", functions[0] if functions else name, message, (bare,)


def _state(enabled: str) -> str:
    return {"D": "disabled", "R": "for replicas only", "O": "no longer ENABLE ALWAYS"}.get(enabled, "enabled")


def _functions(before: Catalog, after: Catalog) -> Iterator[Weakness]:
    old = {(function.name, function.arguments): function for function in before.functions}
    for function in after.functions:
        was = old.get((function.name, function.arguments))
        fine = was is not None and was.definer and not was.search_path
        if function.definer and not function.search_path and not fine:
            message = (
                f"{function.name}({function.arguments}) runs as its owner, and has no search_path of its own"
            )
            yield "SE010", function.name, message, ("DEFINER",)


def _views(before: Catalog, after: Catalog) -> Iterator[Weakness]:
    for view in after.relations.values():
        old = before.relations.get(view.name)
        was_open = old is not None and not old.security_invoker and probes.reads_tenants(old, before)
        if (
            view.kind in "vm"
            and not view.security_invoker
            and not was_open
            and probes.reads_tenants(view, after)
        ):
            message = f"{view.name} reads rows under row-level security with its owner's rights"
            yield "SE012", view.name, message, ("VIEW",)


def _grants(before: Sight, after: Sight) -> Iterator[Weakness]:
    new: dict[tuple[str, str], list[str]] = {}
    for kind, name, privilege in sorted(after.public - before.public):
        new.setdefault((kind, name), []).append(privilege)
    for (kind, name), privileges in new.items():
        relation = after.catalog.relations.get(name)
        tenants = relation is not None and (
            probes.tenant_column(relation, after.catalog) or probes.reads_tenants(relation, after.catalog)
        )
        rule = GRANTS.get(kind, "SE007" if tenants else "SE008")
        words = () if kind == "definer" else ("PUBLIC",)
        yield rule, name, f"PUBLIC has {', '.join(privileges)} on {kind} {name}", words


def _roles(before: Sight, after: Sight) -> Iterator[Weakness]:
    for role, attributes in after.roles.attributes.items():
        old = before.roles.attributes.get(role, (False,) * len(attributes))
        for attribute, was, now in zip(roles.ATTRIBUTES, old, attributes, strict=True):
            if attribute in POWERS and now and not was:
                yield "SE013", role, f"role {role} has {attribute.upper()} now", ("ROLE",)


def _leaks(before: Sight, after: Sight) -> Iterator[Weakness]:
    new: dict[str, set[tuple[str, str]]] = {}
    for role, name, what in after.leaks - before.leaks:
        if (probes.PROBE_ROLE, name, what) in before.leaks:
            continue  # any role could before: a new one is no new leak
        table = after.catalog.relations[name]
        if table.kind in "rp" and not table.rls:
            continue  # said already: the table has no isolation at all
        new.setdefault(name, set()).add((role, what))
    for name, reached in sorted(new.items()):
        who = ", ".join(sorted({role if role != probes.PROBE_ROLE else "any role" for role, _ in reached}))
        verbs = ", ".join(sorted({what for _, what in reached}))
        yield "SE017", name, f"as one tenant, {who} can {verbs} another tenant's rows of {name}", ("POLICY",)
