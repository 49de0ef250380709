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
    """The rows of a table, values as text; `key` is the primary key, () where there is none."""

    rows: Sequence[Row]
    key: tuple[str, ...]
    columns: tuple[str, ...]

    def keyed(self, key: Sequence[str]) -> dict[tuple[str | None, ...], Row]:
        """The rows by the values of some columns."""
        return {tuple(row[column] for column in key): row for row in self.rows}

    def counted(self, columns: Sequence[str]) -> Counter[tuple[str | None, ...]]:
        """How often each combination of values occurs."""
        return Counter(tuple(row[column] for column in columns) for row in self.rows)

    def without(self, other: "Data") -> "Data":
        """The rows that another picture of the table does not have."""
        if self.key and self.key == other.key:
            known = other.keyed(self.key)
            fresh = [row for key, row in self.keyed(self.key).items() if key not in known]
        else:
            fresh = list(self.rows[len(other.rows) :])
        return Data(fresh, self.key, self.columns)


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
    names = {"expected_name": "before", "found_name": "after up and down"}
    for drift in _worth_saying(differences(before.schema, after.schema, **names)):
        yield found("RV002", _name(drift), str(drift), _blamed(drift, up, down))
    for name, old in before.data.items():
        new = after.data.get(name)
        if new is None:
            continue  # the schema says it: the table is gone
        for what in _lost(old, new, old.columns):
            yield found("RV003", name, f"{name}: {what} after up and down", _at(name, down, up))


def kept(
    written: Picture,
    after: Picture,
    before: Picture,
    up: Sequence[CapturedStatement],
    down: Sequence[CapturedStatement],
) -> Iterator[Finding]:
    """RV003 and RV005: what became of rows that were written between up and down."""
    for name, whole in written.data.items():
        old, new = before.data.get(name), after.data.get(name)
        if old is None:
            if new is None and whole.rows:
                yield found("RV005", name, f"the rows of {name} go with it", _at(name, down, up))
            continue
        if new is None:
            continue
        rows = whole.without(old)
        for column in rows.columns:
            gone = column not in old.columns and column not in new.columns
            if gone and any(row[column] is not None for row in rows.rows):
                message = f"the values of {name}.{column} go with it"
                yield found("RV005", f"{name}.{column}", message, _at(column, down, up))
        for what in _lost(rows, new, [column for column in old.columns if column in rows.columns]):
            message = f"{name}: {what}, of rows written under the new schema"
            yield found("RV003", name, message, _at(name, down, up))


def repeated(first: Fingerprint, second: Fingerprint, up: Sequence[CapturedStatement]) -> Iterator[Finding]:
    """RV004: what a second upgrade makes otherwise than the first."""
    names = {"expected_name": "the first upgrade", "found_name": "the second"}
    for drift in _worth_saying(differences(first, second, **names)):
        yield found("RV004", _name(drift), str(drift), _blamed(drift, up, ()))


def _worth_saying(drifts: list[Drift]) -> list[Drift]:
    """Without the columns that only moved up because another one is gone or came."""
    return [
        drift
        for drift in drifts
        if not drift.detail.startswith("place differs")
        or not any(
            other.object.startswith("column ") and not other.detail.startswith("place differs")
            for other in drifts
        )
    ]


def _lost(old: Data, new: Data, columns: Sequence[str]) -> Iterator[str]:
    """What of the old rows is missing or different, in words; only in columns that both have."""
    shared = [column for column in columns if column in new.columns]
    if not old.key or not set(old.key) <= set(shared):
        missing = sum((old.counted(shared) - new.counted(shared)).values())
        if missing:
            yield f"{missing} of {len(old.rows)} rows are missing or changed"
        return
    before, now = old.keyed(old.key), new.keyed(old.key)
    missing = len(before.keys() - now.keys())
    if missing:
        yield f"{missing} of {len(before)} rows are missing"
    for column in shared:
        changed = sum(1 for key, row in before.items() if key in now and now[key][column] != row[column])
        if changed:
            yield f"{changed} values of {column} are not what they were"


def _keys(connection: psycopg.Connection[Any]) -> dict[str, tuple[str, ...]]:
    return {name: tuple(columns) for name, columns in connection.execute(queries()["primary_keys"].encode())}


def _data(connection: psycopg.Connection[Any], name: str, key: tuple[str, ...]) -> Data:
    table = sql.Identifier(*name.split(".", 1))
    query = sql.SQL("SELECT pg_catalog.to_jsonb(ctl_row.*) FROM {} AS ctl_row").format(table)
    cursor = connection.execute(sql.SQL("SELECT * FROM {} LIMIT 0").format(table))
    columns = tuple(column.name for column in cursor.description or ())
    rows = [
        {column: None if value is None else str(value) for column, value in values.items()}
        for (values,) in connection.execute(query)
    ]
    return Data(rows, key, columns)


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
