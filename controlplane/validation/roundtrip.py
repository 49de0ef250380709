"""Up, write, down, up: what the way back does to the schema and to the data, column by column."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from controlplane.db import queries
from controlplane.objects import Drift, Fingerprint, differences
from controlplane.validation.catalog import Catalog
from controlplane.validation.model import CapturedStatement, Evidence, Finding
from controlplane.validation.rules import finding

OWN_SCHEMA = "nspname = 'attribution'"
EVERY_SCHEMA = "nspname !~ '^pg_' AND nspname NOT IN ('information_schema', 'ctl_throwaway')"
# A property of an object, and the word that the statement which changes it must have.
WORDS = {
    "row-level security": "ROW LEVEL", "forced row-level security": "FORCE", "using": "POLICY",
    "with check": "POLICY", "state": "TRIGGER", "body": "FUNCTION", "comment": "COMMENT",
    "default": "DEFAULT",
    "not null": "NOT NULL", "type": "TYPE", "grants": "GRANT", "search_path": "search_path",
}  # fmt: skip

Row = dict[str, str | None]


@dataclass(frozen=True)
class Data:
    """The rows of a table as text: by primary key, or by their whole content where there is none."""

    keyed: Mapping[tuple[str | None, ...], Row]
    unkeyed: Counter[str]
    columns: tuple[str, ...]


@dataclass(frozen=True)
class Picture:
    """A database at one moment: everything in its schemas, and every row of its tables."""

    schema: Fingerprint
    data: Mapping[str, Data]


def picture(connection: psycopg.Connection[Any], catalog: Catalog) -> Picture:
    """Take down a throwaway database. `catalog` is what is in it."""
    tables = [name for name, relation in catalog.relations.items() if relation.kind in "rp"]
    keys = _keys(connection)
    return Picture(
        fingerprint(connection),
        {
            name: _data(connection, name, keys.get(name, ()))
            for name in tables
            if not catalog.relations[name].partition_of and not name.endswith(".alembic_version")
        },
    )


def fingerprint(connection: psycopg.Connection[Any]) -> Fingerprint:
    """Everything in every schema of the user's, as controlplane.objects.fingerprint() has it for ours."""
    query = queries()["fingerprint"]
    assert OWN_SCHEMA in query
    found: Fingerprint = {}
    with connection.transaction():
        connection.execute("SET LOCAL search_path = pg_catalog")
        for kind, name, parent, aspect, value in connection.execute(
            query.replace(OWN_SCHEMA, EVERY_SCHEMA).encode()
        ):
            found.setdefault((kind, name), {"": parent or ""})[aspect] = value
    return found


def restored(
    before: Picture, after: Picture, up: Sequence[CapturedStatement], down: Sequence[CapturedStatement]
) -> Iterator[Finding]:
    """RV002 and RV003: what up and down left different from what it was."""
    for drift in differences(
        before.schema, after.schema, expected_name="before", found_name="after up and down"
    ):
        yield found("RV002", _name(drift), str(drift), _blamed(drift, up, down))
    for name, old in before.data.items():
        new = after.data.get(name)
        if new is None:
            continue  # the schema says it: the table is gone
        for what in _lost(old, new):
            yield found("RV003", name, f"{name}: {what} after up and down", _at(name, down, up))


def kept(
    written: Picture,
    after: Picture,
    before: Picture,
    up: Sequence[CapturedStatement],
    down: Sequence[CapturedStatement],
) -> Iterator[Finding]:
    """RV003 and RV005: what became of rows that were written between up and down."""
    for name, rows in written.data.items():
        if name not in before.data:
            if name not in after.data and (rows.keyed or rows.unkeyed):
                yield found("RV005", name, f"the rows of {name} go with it", _at(name, down, up))
            continue
        new = after.data.get(name)
        if new is None:
            continue
        added = [column for column in rows.columns if column not in before.data[name].columns]
        for column in added:
            if column not in new.columns and any(row.get(column) is not None for row in rows.keyed.values()):
                message = f"the values of {name}.{column} go with it"
                yield found("RV005", f"{name}.{column}", message, _at(column, down, up))
        for what in _lost(rows, new, only=before.data[name].columns):
            message = f"{name}: {what}, of rows written under the new schema"
            yield found("RV003", name, message, _at(name, down, up))


def repeated(first: Fingerprint, second: Fingerprint, up: Sequence[CapturedStatement]) -> Iterator[Finding]:
    """RV004: what a second upgrade makes otherwise than the first."""
    for drift in differences(first, second, expected_name="the first upgrade", found_name="the second"):
        yield found("RV004", _name(drift), str(drift), _blamed(drift, up, ()))


def _lost(old: Data, new: Data, only: Sequence[str] | None = None) -> Iterator[str]:
    columns = [c for c in old.columns if c in new.columns and (only is None or c in only)]
    if old.unkeyed or (new.unkeyed and not old.keyed):
        if old.columns == new.columns and (missing := sum((old.unkeyed - new.unkeyed).values())):
            yield f"{missing} of {sum(old.unkeyed.values())} rows are missing or changed"
        return
    missing = len(old.keyed.keys() - new.keyed.keys())
    if missing:
        yield f"{missing} of {len(old.keyed)} rows are missing"
    for column in columns:
        changed = sum(
            1 for key, row in old.keyed.items() if key in new.keyed and new.keyed[key][column] != row[column]
        )
        if changed:
            yield f"{changed} values of {column} are not what they were"


def _keys(connection: psycopg.Connection[Any]) -> dict[str, tuple[str, ...]]:
    return {name: tuple(columns) for name, columns in connection.execute(queries()["primary_keys"].encode())}


def _data(connection: psycopg.Connection[Any], name: str, key: tuple[str, ...]) -> Data:
    query = sql.SQL("SELECT pg_catalog.to_jsonb(t) FROM {} AS t").format(sql.Identifier(*name.split(".", 1)))
    keyed: dict[tuple[str | None, ...], Row] = {}
    unkeyed: Counter[str] = Counter()
    cursor = connection.execute(
        sql.SQL("SELECT * FROM {} LIMIT 0").format(sql.Identifier(*name.split(".", 1)))
    )
    columns = tuple(column.name for column in cursor.description or ())
    for (values,) in connection.execute(query):
        row = {column: None if value is None else str(value) for column, value in values.items()}
        if key:
            keyed[tuple(row[column] for column in key)] = row
        else:
            unkeyed[str(sorted(row.items()))] += 1
    return Data(keyed, unkeyed, columns)


def _blamed(
    drift: Drift, up: Sequence[CapturedStatement], down: Sequence[CapturedStatement]
) -> CapturedStatement:
    """The statement that a difference comes from: the downgrade's if one speaks of it, else the upgrade's."""
    name = _name(drift)
    aspect = drift.detail.partition(" differs")[0].partition(" to ")[0]
    kind = drift.object.partition(" ")[0]
    word = WORDS.get(aspect, kind if kind != "table" else "").upper()
    bare = [part.strip('"') for part in name.replace(" on ", " ").split() for part in part.split(".")[-1:]]
    for statements in (down, up):
        for one in reversed(statements):
            text = one.sql.upper()
            if all(part.partition("(")[0].upper() in text for part in bare) and word in text:
                return one
    return _at(bare[0] if bare else name, down, up)


def _at(name: str, down: Sequence[CapturedStatement], up: Sequence[CapturedStatement]) -> CapturedStatement:
    """The last statement of the way back that names an object, or else of the way up, or else the last."""
    bare = name.rpartition(".")[2]
    for statements in (down, up):
        for one in reversed(statements):
            if bare in one.sql:
                return one
    return (list(down) or list(up))[-1]


def _name(drift: Drift) -> str:
    """The object's own name: a drift's begins with its kind."""
    kinds = ("materialized view ", "foreign table ", "composite type ")
    for kind in kinds:
        if drift.object.startswith(kind):
            return drift.object.removeprefix(kind)
    return drift.object.partition(" ")[2]


def found(rule: str, name: str, message: str, statement: CapturedStatement) -> Finding:
    return finding(rule, name, message, statement, evidence=Evidence.MEASURED)
