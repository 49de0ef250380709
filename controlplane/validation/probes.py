"""Trying a database out: what each role sees of another tenant, and which writes its guards refuse.

Every probe runs in a transaction that is rolled back. Nothing is judged here: two databases are compared.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Any

import psycopg
from psycopg import sql

from controlplane.db import queries
from controlplane.validation.catalog import Catalog, Relation

PROBE_ROLE = "ctl_probe"  # a role of no name and every grant: it meets the policies for PUBLIC alone
SETTING = re.compile(r"current_setting\(\s*'([^']+)'")
CALLED = re.compile(r"\b(?:\w+\.)?(\w+)\(")
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-")
NOBODY = "00000000-0000-0000-0000-000000000000"  # a tenant that isn't there; where ids are numbers: -1
REFUSED_BY_TABLE = ("22", "23", "42")  # errors of types, constraints and privileges: no guard spoke

Connection = psycopg.Connection[Any]
Leak = tuple[str, str, str]  # role, relation, what it can do: read, update, delete


def leaks(connection: Connection, catalog: Catalog) -> frozenset[Leak]:
    """What each role reaches of tenants that are not in its context, though it were granted everything."""
    settings = tenant_settings(catalog)
    targets = list(_targets(catalog))
    if not settings or not targets:
        return frozenset()
    found = set()
    roles = [role for (role,) in connection.execute(queries()["probe_roles"].encode())]
    for role in [PROBE_ROLE, *(role for role in roles if role not in catalog.spanning_roles)]:
        for relation, column in targets:
            found |= {
                (role, relation.name, what) for what in _reached(connection, role, relation, column, settings)
            }
    return frozenset(found)


def guarded(connection: Connection, catalog: Catalog) -> frozenset[tuple[str, str]]:
    """The (table, operation) pairs that a trigger refuses with an error of its own."""
    return frozenset(
        (relation.name, operation)
        for relation in catalog.relations.values()
        if relation.kind in "rp" and relation.triggers
        for operation in ("UPDATE", "DELETE", "TRUNCATE")
        if _is_refused(connection, relation, operation)
    )


def tenant_settings(catalog: Catalog) -> list[str]:
    """The settings that policies read to know whose rows to show, directly or through functions."""
    texts = [
        policy.using + " " + policy.check
        for relation in catalog.relations.values()
        for policy in relation.policies.values()
    ]
    bodies = {function.name.rpartition(".")[2]: function.body for function in catalog.functions}
    seen: set[str] = set()
    found: set[str] = set()
    while texts:
        text = texts.pop()
        found |= set(SETTING.findall(text))
        called = {name for name in CALLED.findall(text) if name in bodies} - seen
        seen |= called
        texts += [bodies[name] for name in called]
    return sorted(name for name in found if "." in name)


def tenant_column(relation: Relation, catalog: Catalog) -> str | None:
    """The column that tells whose row it is."""
    return next((column for column in catalog.tenant_columns if column in relation.columns), None)


def reads_tenants(relation: Relation, catalog: Catalog, seen: frozenset[str] = frozenset()) -> bool:
    """Whether a view reads, at whatever depth, a table under row-level security."""
    for name in relation.reads - seen:
        inner = catalog.relations.get(name)
        if inner and (inner.rls or reads_tenants(inner, catalog, seen | {name})):
            return True
    return False


def _targets(catalog: Catalog) -> Iterator[tuple[Relation, str | None]]:
    for relation in catalog.relations.values():
        column = tenant_column(relation, catalog)
        if (relation.kind in "rp" and column) or (relation.kind in "vm" and reads_tenants(relation, catalog)):
            yield relation, column


def _reached(
    connection: Connection, role: str, relation: Relation, column: str | None, settings: Sequence[str]
) -> Iterator[str]:
    name = sql.Identifier(*relation.name.split(".", 1))
    if column is None:
        if _shows_everything(connection, role, relation.name, settings):
            yield "read"
        return
    tenants = [
        row[0]
        for row in connection.execute(
            sql.SQL("SELECT DISTINCT {}::text FROM {} ORDER BY 1 LIMIT 2").format(
                sql.Identifier(column), name
            )
        )
    ]
    if len(tenants) < 2 or None in tenants:
        return
    other = sql.SQL("{}::text <> {}").format(sql.Identifier(column), sql.Literal(tenants[0]))
    statements = {"read": sql.SQL("SELECT FROM {} WHERE {}").format(name, other)}
    if relation.kind in "rp":
        assignment = sql.SQL("UPDATE {} SET {c} = {c} WHERE {}")
        statements["update"] = assignment.format(name, other, c=sql.Identifier(column))
        statements["delete"] = sql.SQL("DELETE FROM {} WHERE {}").format(name, other)
    for what, statement in statements.items():
        if _as_role(connection, role, relation.name, tenants[0], settings, statement) not in (None, 0):
            yield what


def _shows_everything(connection: Connection, role: str, relation: str, settings: Sequence[str]) -> bool:
    """Whether a tenant that isn't there sees in a view what the superuser sees."""
    name = sql.Identifier(*relation.split(".", 1))
    whole = sql.SQL(
        "SELECT pg_catalog.string_agg(ctl_row::text, '|' ORDER BY ctl_row::text) FROM {} AS ctl_row"
    ).format(name)
    row = connection.execute(whole).fetchone()
    if row is None or row[0] is None:
        return False
    same = sql.SQL("SELECT FROM ({}) AS w (text) WHERE w.text = {}").format(whole, sql.Literal(row[0]))
    nobody = NOBODY if UUID.search(row[0]) else "-1"
    return _as_role(connection, role, relation, nobody, settings, same) not in (None, 0)


def _as_role(
    connection: Connection, role: str, relation: str, tenant: str, settings: Sequence[str],
    statement: sql.Composed,
) -> int | None:  # fmt: skip
    """How many rows a role reaches that has every grant and a tenant in context; None: it is refused."""
    schema, _, _ = relation.partition(".")
    name = sql.Identifier(*relation.split(".", 1))
    try:
        with connection.transaction(force_rollback=True):
            if role == PROBE_ROLE:
                connection.execute(f"CREATE ROLE {PROBE_ROLE}")
            who = sql.Identifier(role)
            connection.execute(sql.SQL("GRANT SELECT, UPDATE, DELETE ON {} TO {}").format(name, who))
            connection.execute(sql.SQL("GRANT USAGE ON SCHEMA {} TO {}").format(sql.Identifier(schema), who))
            for setting in settings:
                connection.execute("SELECT pg_catalog.set_config(%s, %s, true)", [setting, tenant])
            connection.execute(sql.SQL("SET LOCAL ROLE {}").format(who))
            return int(connection.execute(statement).rowcount)
    except psycopg.Error:
        return None


def _is_refused(connection: Connection, relation: Relation, operation: str) -> bool:
    name = sql.Identifier(*relation.name.split(".", 1))
    one = sql.SQL("WHERE ctid = (SELECT ctid FROM {} LIMIT 1)").format(name)
    where = one if relation.kind == "r" else sql.SQL("")
    statements = [sql.SQL("TRUNCATE {} CASCADE").format(name)]
    if operation == "DELETE":
        statements = [sql.SQL("DELETE FROM {} {}").format(name, where)]
    elif operation == "UPDATE":
        statements = [
            sql.SQL("UPDATE {} SET {c} = {c} {}").format(name, where, c=sql.Identifier(column))
            for column in relation.columns
        ]
    for statement in statements:
        try:
            with connection.transaction(force_rollback=True):
                connection.execute(statement)
            return False
        except psycopg.errors.GeneratedAlways:
            continue  # an identity column: another one can be updated
        except psycopg.Error as error:
            return bool(error.diag.context) and not (error.sqlstate or "").startswith(REFUSED_BY_TABLE)
    return False
