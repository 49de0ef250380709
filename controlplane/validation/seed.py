"""Rows for a throwaway database: at least two tenants, and something in every table."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from controlplane.db import queries

LITERAL = re.compile(r"'((?:[^']|'')*)'|(?<![\w.])(-?\d+(?:\.\d+)?)(?![\w.])")
OCTETS = re.compile(r"octet_length\([^)]*\) = (\d+)")
NUMBERS = {"smallint", "integer", "bigint", "numeric", "real", "double precision", "money"}
TIMES = {"date", "timestamp without time zone", "timestamp with time zone"}
FIXED = {
    "time without time zone": "12:00", "time with time zone": "12:00+00", "interval": "1 hour", "json": "{}",
    "jsonb": "{}", "inet": "10.0.0.1", "cidr": "10.0.0.0/8", "macaddr": "08:00:2b:01:02:03",
    "bit": "1", "bit varying": "1", "xml": "<a/>", "point": "(0,0)", "tsvector": "a", "tsquery": "a",
    "oid": "1", "regclass": "pg_class", "name": "a", '"char"': "a", "pg_lsn": "0/1",
}  # fmt: skip
ROWS = 4  # per table: two for each of two tenants

Connection = psycopg.Connection[Any]
Table = dict[str, Any]
Values = dict[str, str | None]


def fill(
    connection: Connection, tenant_columns: Sequence[str], *, offset: int = 0, more: bool = False
) -> list[str]:
    """Put rows into every table that has none (`more`: into every table); returns what could not be filled.

    `connection` is a superuser's, in autocommit mode; `offset` makes values differ from another call's.
    """
    if not more and _is_engine(connection):
        connection.execute(queries()["seed_engine"].encode())
    with connection.cursor(row_factory=dict_row) as cursor:
        tables = cursor.execute(queries()["seed_tables"].encode()).fetchall()
    waiting = {table["name"]: table for table in tables if more or not _has_rows(connection, table["name"])}
    problems: dict[str, str] = {}
    while waiting:  # parents first: what a foreign key refuses now may go in the next round
        filled = set()
        for name, table in waiting.items():
            problem = _fill_table(connection, table, tenant_columns, offset)
            if problem is None:
                filled.add(name)
            else:
                problems[name] = problem
        if not filled:
            break
        waiting = {name: table for name, table in waiting.items() if name not in filled}
    return [f"{name}: {problems[name]}" for name in waiting]


def _is_engine(connection: Connection) -> bool:
    query = "SELECT pg_catalog.to_regproc(%s), pg_catalog.to_regclass(%s)"
    row = connection.execute(query, ["attribution.create_tenant", "attribution.tenants"]).fetchone()
    return row is not None and None not in row and not _has_rows(connection, "attribution.tenants")


def _has_rows(connection: Connection, name: str) -> bool:
    row = connection.execute(f"SELECT EXISTS (SELECT FROM {name})".encode()).fetchone()
    return row == (True,)


def _fill_table(
    connection: Connection, table: Table, tenant_columns: Sequence[str], offset: int
) -> str | None:
    """None when at least two rows went in, else the last refusal."""
    done, problem = 0, "no value suits its columns"
    for number in range(ROWS):
        for values in _attempts(connection, table, tenant_columns, offset + number, number):
            refusal = _insert(connection, table, values)
            if refusal is None:
                done += 1
                break
            problem = refusal
    return None if done >= 1 else problem


def _attempts(
    connection: Connection, table: Table, tenant_columns: Sequence[str], number: int, tenant: int
) -> Iterator[Values]:
    """Rows to try: every column filled, only the required ones, then those with literals of the CHECKs."""
    columns = table["columns"] or []
    every: Values = {column["name"]: _value(column, number) for column in columns}
    for column in columns:
        if column["name"] in tenant_columns:
            every[column["name"]] = _value(column, 1 + tenant % 2)
    links = _links(connection, table, every, number)
    required: Values = {
        column["name"]: every[column["name"]]
        for column in columns
        if column["required"] or column["name"] in tenant_columns
    }
    literal: Values = {column["name"]: _from_check(column, number) for column in columns if column["checks"]}
    literal = {name: value for name, value in literal.items() if value is not None}
    bounds = LITERAL.findall(table["bounds"] or "")
    inside = [text or digits for text, digits in bounds]
    for base in (every, required):
        yield base | links
        yield base | literal | links
        for value in inside[:4]:  # a partition's bounds: one of them is a value that belongs there
            fitting = {
                column["name"]: value for column in columns if column["base"] in TIMES | NUMBERS | {"text"}
            }
            for name in fitting:
                yield base | links | {name: value}
    yield {name: value for name, value in (required | links).items() if name in required}


def _links(connection: Connection, table: Table, values: Values, number: int) -> Values:
    """Values of the foreign keys: those of a row that is there, of the same tenant where the key says so."""
    found: Values = {}
    for key in table["foreign_keys"] or []:
        known = {
            there: found[here]
            for here, there in zip(key["columns"], key["references"], strict=True)
            if here in found
        }
        query = sql.SQL("SELECT {} FROM {} WHERE {} OFFSET {} LIMIT 1").format(
            sql.SQL(", ").join(
                sql.SQL("{}::text").format(sql.Identifier(name)) for name in key["references"]
            ),
            sql.SQL(key["table"]),
            sql.SQL(" AND ").join(
                [sql.SQL("true")]
                + [
                    sql.SQL("{}::text = {}").format(sql.Identifier(k), sql.Literal(v))
                    for k, v in known.items()
                ]
            ),
            sql.Literal(number % 2),
        )
        row = connection.execute(query).fetchone()
        if row is None:
            row = connection.execute(
                query.as_string(connection).replace(f"OFFSET {number % 2}", "").encode()
            ).fetchone()
        if row is not None:
            found |= dict(zip(key["columns"], row, strict=True))
    return found


def _insert(connection: Connection, table: Table, values: Values) -> str | None:
    types = {column["name"]: column["type"] for column in table["columns"] or []}
    statement = sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
        sql.SQL(table["name"]),
        sql.SQL(", ").join(map(sql.Identifier, values)),
        sql.SQL(", ").join(
            sql.SQL("{}::{}").format(sql.Literal(value), sql.SQL(types[name]))
            for name, value in values.items()
        ),
    )
    if not values:
        statement = sql.SQL("INSERT INTO {} DEFAULT VALUES").format(sql.SQL(table["name"])) + sql.SQL("")
    try:
        with connection.transaction():
            inserted = connection.execute(statement).rowcount
    except psycopg.Error as error:
        return error.diag.message_primary or str(error)
    return None if inserted else "a trigger swallowed the row"


def _value(column: dict[str, Any], number: int) -> str | None:
    """A value of a column's type as text; None where we know none."""
    base, length = column["base"], column["length"]
    if column["labels"]:
        return str(column["labels"][number % len(column["labels"])])
    if column["category"] == "A":
        return "{}"
    if column["category"] == "R":
        return "empty"
    if base in NUMBERS:
        return str(number + 1)
    if base in TIMES:
        return f"2026-01-{1 + number % 28:02d}"
    if base == "uuid":
        return f"{number:08x}-0000-4000-8000-{number:012x}"
    if base == "boolean":
        return "true" if number % 2 else "false"
    if base == "bytea":
        octets = OCTETS.search(column["checks"] or "")
        return "\\x" + f"{number % 256:02x}" * int(octets[1] if octets else 1)
    if base in ("text", "character varying", "character"):
        text = f"{number} {column['name']} of the seed, longer than a name"
        return text[: length or 60]
    return FIXED.get(base)


def _from_check(column: dict[str, Any], number: int) -> str | None:
    """A literal of the column's CHECK: the strings of an IN, or one more than a lower bound."""
    words = [text for text, digits in LITERAL.findall(column["checks"]) if text]
    digits = [digits for text, digits in LITERAL.findall(column["checks"]) if digits]
    if column["base"] in NUMBERS:
        return digits[number % len(digits)] if digits else None
    pattern = next((word for word in words if "[A-Z]{" in word), None)
    if pattern:
        return "ABCDEFGHIJ"[: int(re.findall(r"\{(\d+)", pattern)[0])]
    return words[number % len(words)] if words else None
