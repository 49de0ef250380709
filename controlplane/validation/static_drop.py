"""Static reading, DROP: what of it loses data, and what running code still uses."""

from controlplane.validation.catalog import Relation
from controlplane.validation.checks import at_end, enum, on
from controlplane.validation.parse import unwrap, words
from controlplane.validation.reading import Read
from controlplane.validation.state import State, type_name

RELATIONS = {
    "OBJECT_TABLE": ("DL001", "table"),
    "OBJECT_FOREIGN_TABLE": ("DL010", "foreign table"),
    "OBJECT_MATVIEW": ("DL010", "materialized view"),
    "OBJECT_SEQUENCE": ("DL010", "sequence"),
}
BY_NAME = {
    "OBJECT_EXTENSION": ("DL010", "extension"),
    "OBJECT_PUBLICATION": ("DL010", "publication"),
    "OBJECT_FOREIGN_SERVER": ("DL010", "server"),
    "OBJECT_OPERATOR": ("CP005", "operator"),
    "OBJECT_CAST": ("CP005", "cast"),
    "OBJECT_COLLATION": ("CP005", "collation"),
}
ROUTINES = ("OBJECT_FUNCTION", "OBJECT_PROCEDURE", "OBJECT_ROUTINE", "OBJECT_AGGREGATE")


@on("drop_stmt")
def drop(state: State, read: Read) -> None:
    """DROP … of anything but policies, triggers and indexes, which have rules of their own."""
    kind = enum(read.node, "remove_type")
    for entry in read.node.objects:
        inner_kind, inner = unwrap(entry)
        if kind in RELATIONS:
            _relation(state, read, kind, state.qualified(words(inner.items)))
        elif kind == "OBJECT_VIEW":
            _view(state, read, state.qualified(words(inner.items)))
        elif kind in ("OBJECT_TYPE", "OBJECT_DOMAIN"):
            _type(state, read, state.qualified(type_name(inner).split(".")))
        elif kind in ROUTINES:
            _routine(state, read, state.qualified(words(inner.objname)))
        elif kind == "OBJECT_SCHEMA" and not state.is_new(inner.sval, "schema "):
            if not (state.catalog.known and inner.sval not in state.catalog.schemas):
                state.report(read, "DL003", inner.sval, f"drops schema {inner.sval}")
        elif kind in BY_NAME:
            rule, what = BY_NAME[kind]
            name = inner.sval if inner_kind == "string" else read.sql.split("DROP", 1)[-1].strip()[:60]
            if not state.is_new(name, f"{what} "):
                state.report(read, rule, name, f"drops {what} {name}")


def _relation(state: State, read: Read, kind: str, name: str) -> None:
    if state.is_new(name):
        if read.statement.direction == "downgrade" and kind == "OBJECT_TABLE" and name in state.born:
            state.report(read, "RV005", name, f"drops table {name}, with the rows written since the upgrade")
        return
    rule, what = RELATIONS[kind]
    found = state.catalog.relations.get(name)
    more = f" (a partition of {found.partition_of})" if found and found.partition_of else ""
    state.report(read, rule, name, f"drops {what} {name}{more}{_rows(found)}", fix=_aside(name, rule))
    state.lock(name, "ACCESS EXCLUSIVE", read)


def _rows(found: Relation | None) -> str:
    return f" with {found.rows} rows of the seeded data" if found and found.rows else ""


def _aside(name: str, rule: str) -> str:
    if rule != "DL001":
        return ""
    return (
        f"ALTER TABLE {name} SET SCHEMA attic;  -- and drop it a release later, after a backup, with a waiver"
    )


def _view(state: State, read: Read, name: str) -> None:
    if not state.is_new(name):
        state.dropped[f"view {name}"] = read


@at_end
def views_not_made_again(state: State) -> None:
    """A view that was dropped must be there again, with the columns that it had."""
    for key, read in state.dropped.items():
        kind, _, name = key.partition(" ")
        if kind != "view":
            continue
        if key not in state.made:
            state.report(read, "CP005", name, f"drops view {name}, which running code may read")
            continue
        before, now = state.catalog.relations.get(name), state.table(name)
        gone = [column for column in before.columns if column not in now.columns] if before else []
        if gone and now.columns:
            state.report(state.made[key], "CP010", name, f"view {name} loses {', '.join(gone)}")


def _type(state: State, read: Read, name: str) -> None:
    if not state.is_new(name, "type "):
        cascade = enum(read.node, "behavior") == "DROP_CASCADE"
        more = " and, by CASCADE, the columns of that type" if cascade else ""
        state.report(read, "DL004", name, f"drops type {name}{more}")


def _routine(state: State, read: Read, name: str) -> None:
    if state.is_new(name, "function "):
        return
    known = [function.name for function in state.catalog.functions]
    if state.catalog.known and name not in known:
        return
    state.dropped[f"function {name}"] = read
    if enum(read.node, "behavior") != "DROP_CASCADE":
        return
    for relation in state.catalog.relations.values():
        for trigger, found in relation.triggers.items():
            if found.function == name:
                message = f"CASCADE drops trigger {trigger} on {relation.name} with {name}()"
                state.report(read, "SE005", f"{relation.name}.{trigger}", message)


@at_end
def functions_not_made_again(state: State) -> None:
    """A function that was dropped must be there again."""
    for key, read in state.dropped.items():
        kind, _, name = key.partition(" ")
        if kind == "function" and key not in state.made:
            state.report(read, "CP005", name, f"drops function {name}(), which running code may call")


@on("drop_owned_stmt")
def drop_owned(state: State, read: Read) -> None:
    """DROP OWNED BY."""
    names = ", ".join(unwrap(role)[1].rolename for role in read.node.roles)
    state.report(read, "DL005", names, f"drops everything that {names} owns")


@on("dropdb_stmt")
def drop_database(state: State, read: Read) -> None:
    """DROP DATABASE."""
    state.report(read, "DL005", read.node.dbname, f"drops database {read.node.dbname}")


@on("drop_role_stmt")
def drop_role(state: State, read: Read) -> None:
    """DROP ROLE."""
    for role in read.node.roles:
        name = unwrap(role)[1].rolename
        if not state.is_new(name, "role ") and not (state.catalog.known and name not in state.catalog.roles):
            state.report(read, "CP005", name, f"drops role {name}, which running code may log in as")
