"""Static reading, compatibility: what is renamed or moved, and sequences that are set back."""

from controlplane.validation.checks import enum, on
from controlplane.validation.model import Severity
from controlplane.validation.parse import constant, unwrap, walk, words
from controlplane.validation.reading import Read
from controlplane.validation.state import State, type_name

RELATIONS = {
    "OBJECT_TABLE": "table", "OBJECT_VIEW": "view", "OBJECT_MATVIEW": "materialized view",
    "OBJECT_SEQUENCE": "sequence", "OBJECT_FOREIGN_TABLE": "foreign table",
}  # fmt: skip
INNER = {"OBJECT_COLUMN": "column", "OBJECT_ATTRIBUTE": "attribute"}
NAMED = {"OBJECT_TYPE": "type", "OBJECT_DOMAIN": "type"}
ROUTINES = ("OBJECT_FUNCTION", "OBJECT_PROCEDURE", "OBJECT_ROUTINE", "OBJECT_AGGREGATE")
SHRINKS = {"smallint", "int2", "integer", "int4", "int"}


@on("rename_stmt")
def rename(state: State, read: Read) -> None:
    """RENAME of what running code names; constraints, indexes, triggers, policies may be renamed freely."""
    node, kind = read.node, enum(read.node, "rename_type")
    if kind in RELATIONS:
        old = state.name(node.relation)
        _renamed(state, read, "", old, f"{old.rpartition('.')[0]}.{node.newname}", RELATIONS[kind])
    elif kind in INNER:
        table = state.name(node.relation)
        _column(state, read, table, node.subname, node.newname)
    elif kind in NAMED:
        old = state.qualified(words(unwrap(node.object)[1].items))
        _renamed(state, read, "type ", old, f"{old.rpartition('.')[0]}.{node.newname}", "type")
    elif kind in ROUTINES:
        old = state.qualified(words(unwrap(node.object)[1].objname))
        _renamed(state, read, "function ", old, f"{old.rpartition('.')[0]}.{node.newname}", "function")
    elif kind in ("OBJECT_SCHEMA", "OBJECT_ROLE", "OBJECT_DATABASE"):
        what = kind.removeprefix("OBJECT_").lower()
        _renamed(state, read, f"{what} ", node.subname, node.newname, what)
    elif kind == "OBJECT_INDEX":
        old = state.name(node.relation)
        if state.is_new(old):
            state.born.add(f"{old.rpartition('.')[0]}.{node.newname}")


def _renamed(state: State, read: Read, kind: str, old: str, new: str, what: str) -> None:
    if state.is_new(old, kind):
        state.born.add(f"{kind}{new}")
        state.tables[new] = state.table(old)
        return
    origin = state.renamed.get(f"{kind}{old}", old)
    state.tables[new] = state.table(old)
    if new == origin:  # back again, within the migration or by its downgrade
        state.renamed.pop(f"{kind}{old}", None)
        return
    state.renamed[f"{kind}{new}"] = origin
    state.report(read, "CP001", old, f"renames {what} {old} to {new}")
    if not kind:
        state.lock(old, "ACCESS EXCLUSIVE", read)


def _column(state: State, read: Read, table: str, old: str, new: str) -> None:
    columns = state.table(table).columns
    if old in columns:
        columns[new] = columns.pop(old)
    own = f"column {table}.{old}" in state.born
    if own or state.is_new(table):
        state.born.add(f"column {table}.{new}")
        return
    if state.renamed.pop(f"column {table}.{old}", None) == new:
        return
    state.renamed[f"column {table}.{new}"] = old
    fix = (
        f"ALTER TABLE {table} ADD COLUMN {new} …;  -- write both, fill in batches, drop {old} a release later"
    )
    state.report(read, "CP001", f"{table}.{old}", f"renames column {table}.{old} to {new}", fix=fix)
    state.lock(table, "ACCESS EXCLUSIVE", read)


@on("alter_object_schema_stmt")
def set_schema(state: State, read: Read) -> None:
    """SET SCHEMA."""
    node, kind = read.node, enum(read.node, "object_type")
    if node.HasField("relation"):
        prefix, old = "", state.name(node.relation)
    else:
        inner_kind, inner = unwrap(node.object)
        parts = words(inner.objname) if inner_kind == "object_with_args" else (
            words(inner.items) if inner_kind == "list" else [getattr(inner, "sval", "")]
        )  # fmt: skip
        prefix = "type " if kind in NAMED else "function " if kind in ROUTINES else f"{kind} "
        old = state.qualified(parts)
    new = f"{node.newschema}.{old.rpartition('.')[2]}"
    if state.is_new(old, prefix):
        state.born.add(f"{prefix}{new}")
        return
    if new == state.renamed.pop(f"{prefix}{old}", None):
        return
    state.renamed[f"{prefix}{new}"] = old
    state.report(read, "CP007", old, f"moves {old} to schema {node.newschema}")
    if not prefix:
        state.lock(old, "ACCESS EXCLUSIVE", read)


@on("alter_seq_stmt")
def alter_sequence(state: State, read: Read) -> None:
    """ALTER SEQUENCE … RESTART, or a smaller type or maximum."""
    name = state.name(read.node.sequence)
    if state.is_new(name):
        return
    for _, option in map(unwrap, read.node.options):
        if option.defname == "restart":
            state.report(read, "CP011", name, f"sequence {name} starts again: keys may collide")
        elif option.defname == "as" and type_name(option.arg.type_name) in SHRINKS:
            state.report(read, "CP011", name, f"sequence {name} ends sooner", severity=Severity.WARN)
        elif option.defname == "maxvalue":
            state.report(read, "CP011", name, f"sequence {name} ends elsewhere", severity=Severity.WARN)


@on("select_stmt")
def setval(state: State, read: Read) -> None:
    """setval() to a constant."""
    for kind, node in walk(read.node):
        if kind == "func_call" and words(node.funcname)[-1] == "setval" and len(node.args) > 1:
            name = state.qualified((constant(node.args[0]) or "?").split("."))
            if constant(node.args[1]) is not None and not state.is_new(name):
                state.report(read, "CP011", name, f"sets sequence {name} to a constant: keys may collide")
