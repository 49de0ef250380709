"""Reads a live database into a Catalog."""

from dataclasses import replace
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from controlplane.db import queries
from controlplane.validation import policy
from controlplane.validation.catalog import (
    Catalog,
    Column,
    Constraint,
    Function,
    Policy,
    Relation,
    Trigger,
)

COUNTED = "rmf"


def read(connection: psycopg.Connection[Any], decided: policy.Policy) -> Catalog:
    """Everything in a database that judging a migration needs, with true row counts.

    `decided` says what the database doesn't know: tenant columns, roles that may see all tenants' rows.
    """
    with connection.cursor(row_factory=dict_row) as cursor:
        relations = {
            row["name"]: _relation(row) for row in cursor.execute(queries()["catalog_relations"].encode())
        }
        functions = tuple(Function(**row) for row in cursor.execute(queries()["catalog_functions"].encode()))
        rest = cursor.execute(queries()["catalog_rest"].encode()).fetchone()
    assert rest is not None
    counts = _row_counts(connection, [name for name, item in relations.items() if item.kind in COUNTED])
    for name, found in relations.items():
        if found.kind == "p":
            counts[name] = sum(counts.get(child, 0) for child in _leaves(relations, name))
    return Catalog(
        relations={
            name: found if name not in counts else _with_rows(found, counts[name])
            for name, found in relations.items()
        },
        functions=functions,
        enums={name: tuple(labels) for name, labels in (rest["enums"] or {}).items()},
        domains=rest["domains"] or {},
        schemas=frozenset(rest["schemas"] or ()),
        roles=frozenset(rest["roles"] or ()),
        search_path=tuple(rest["search_path"] or ()),
        tenant_columns=decided.tenant_columns,
        spanning_roles=decided.spanning_roles,
        known=True,
    )


def _relation(row: dict[str, Any]) -> Relation:
    return Relation(
        **{
            **row,
            "columns": {name: Column(**value) for name, value in row["columns"].items()},
            "policies": {
                name: Policy(**{**value, "roles": frozenset(value["roles"])})
                for name, value in row["policies"].items()
            },
            "triggers": {name: Trigger(**value) for name, value in row["triggers"].items()},
            "constraints": {name: Constraint(**value) for name, value in row["constraints"].items()},
            "reads": frozenset(row["reads"]),
        }
    )


def _with_rows(relation: Relation, rows: int) -> Relation:
    return replace(relation, rows=rows)


def _leaves(relations: dict[str, Relation], parent: str) -> list[str]:
    children = [name for name, item in relations.items() if item.partition_of == parent]
    return [leaf for child in children for leaf in (_leaves(relations, child) or [child])]


def _row_counts(connection: psycopg.Connection[Any], names: list[str]) -> dict[str, int]:
    """Rows by table, in one round trip; an unpopulated materialized view has none."""
    if not names:
        return {}
    parts = sql.SQL(" UNION ALL ").join(
        sql.SQL("SELECT {}, count(*) FROM ONLY {}").format(
            sql.Literal(name), sql.Identifier(*name.split(".", 1))
        )
        for name in names
    )
    try:
        return {name: int(count) for name, count in connection.execute(parts)}
    except psycopg.errors.ObjectNotInPrerequisiteState:
        return {name: count for one in names for name, count in _count_one(connection, one)}


def _count_one(connection: psycopg.Connection[Any], name: str) -> list[tuple[str, int]]:
    try:
        row = connection.execute(
            sql.SQL("SELECT count(*) FROM ONLY {}").format(sql.Identifier(*name.split(".", 1)))
        ).fetchone()
    except psycopg.errors.ObjectNotInPrerequisiteState:
        return [(name, 0)]
    return [(name, row[0] if row else 0)]
