"""Static reading, ALTER TABLE: columns, their types and what they require."""

from dataclasses import replace
from typing import Any

from controlplane.validation.catalog import Column
from controlplane.validation.checks import enum, on
from controlplane.validation.column_types import compare, same
from controlplane.validation.model import Severity
from controlplane.validation.parse import not_null_columns, text_of, unwrap, walk, words
from controlplane.validation.reading import Read
from controlplane.validation.state import State, type_name

# Everything else takes ACCESS EXCLUSIVE.
WEAKER = {
    "AT_SetStatistics": "SHARE UPDATE EXCLUSIVE",
    "AT_SetOptions": "SHARE UPDATE EXCLUSIVE",
    "AT_ResetOptions": "SHARE UPDATE EXCLUSIVE",
    "AT_SetRelOptions": "SHARE UPDATE EXCLUSIVE",
    "AT_ResetRelOptions": "SHARE UPDATE EXCLUSIVE",
    "AT_ClusterOn": "SHARE UPDATE EXCLUSIVE",
    "AT_DropCluster": "SHARE UPDATE EXCLUSIVE",
    "AT_ValidateConstraint": "SHARE UPDATE EXCLUSIVE",
    "AT_AttachPartition": "SHARE UPDATE EXCLUSIVE",
    "AT_EnableTrig": "SHARE ROW EXCLUSIVE",
    "AT_EnableAlwaysTrig": "SHARE ROW EXCLUSIVE",
    "AT_EnableReplicaTrig": "SHARE ROW EXCLUSIVE",
    "AT_DisableTrig": "SHARE ROW EXCLUSIVE",
    "AT_EnableTrigAll": "SHARE ROW EXCLUSIVE",
    "AT_DisableTrigAll": "SHARE ROW EXCLUSIVE",
    "AT_EnableTrigUser": "SHARE ROW EXCLUSIVE",
    "AT_DisableTrigUser": "SHARE ROW EXCLUSIVE",
}
REWRITES = {
    "AT_SetAccessMethod": "SET ACCESS METHOD",
    "AT_SetTableSpace": "SET TABLESPACE",
    "AT_SetLogged": "SET LOGGED",
    "AT_SetUnLogged": "SET UNLOGGED",
    "AT_SetExpression": "SET EXPRESSION",
}
STORED = ("OBJECT_TABLE", "OBJECT_INDEX", "OBJECT_MATVIEW")
VOLATILE = {
    "random", "gen_random_uuid", "uuidv4", "uuidv7", "uuid_generate_v1", "uuid_generate_v4",
    "clock_timestamp", "nextval", "timeofday", "setseed", "random_normal", "currval", "lastval",
}  # fmt: skip
NAMED_NOT_NULL = 18  # the major version
SERIALS = ("serial", "bigserial", "smallserial", "serial4", "serial8", "serial2")


@on("alter_table_stmt")
def alter(state: State, read: Read) -> None:
    """Each command of an ALTER TABLE that is about columns or the whole table."""
    kind = enum(read.node, "objtype")
    name = state.name(read.node.relation)
    for command in (unwrap(entry)[1] for entry in read.node.cmds):
        subtype = enum(command, "subtype")
        if kind == "OBJECT_TYPE":
            if subtype == "AT_DropColumn" and not state.is_new(name, "type "):
                state.report(
                    read, "DL002", f"{name}.{command.name}", f"drops attribute {command.name} of {name}"
                )
            continue
        if subtype in REWRITES and kind in STORED and not state.is_new(name):
            state.report(read, "LK001", name, f"{REWRITES[subtype]} copies all of {name}")
            if subtype == "AT_SetUnLogged":
                state.report(read, "DL012", name, f"{name} is empty after a crash from now on")
        if kind in ("OBJECT_TABLE", "OBJECT_FOREIGN_TABLE"):
            COMMANDS.get(subtype, _nothing)(state, read, name, command)
            if subtype not in ("AT_AddConstraint", "AT_DetachPartition"):  # they know their locks themselves
                state.lock(name, WEAKER.get(subtype, "ACCESS EXCLUSIVE"), read)


def _nothing(state: State, read: Read, name: str, command: Any) -> None:
    """For the commands that cost nothing but their lock."""


def _add_column(state: State, read: Read, name: str, command: Any) -> None:
    column = getattr(command, "def").column_def
    parts = {enum(part, "contype"): part for _, part in map(unwrap, column.constraints)}
    type_ = type_name(column.type_name)
    target = f"{name}.{column.colname}"
    if command.missing_ok and column.colname in state.table(name).columns:
        return
    if not state.is_new(name):
        if why := _rewritten(state, type_, parts):
            state.report(
                read,
                "LK001",
                name,
                f"adding {target} copies every row of {name}: {why}",
                fix=_fill(target, type_),
            )
        required = "CONSTR_NOTNULL" in parts or "CONSTR_PRIMARY" in parts
        given = {"CONSTR_DEFAULT", "CONSTR_IDENTITY", "CONSTR_GENERATED"} & parts.keys()
        if required and not given and type_ not in SERIALS:
            fix = f"ALTER TABLE {name} ADD COLUMN {column.colname} {type_} NOT NULL DEFAULT …;"
            state.report(read, "CP003", target, f"adds required column {target} without a default", fix=fix)
        if "CONSTR_CHECK" in parts:
            state.report(
                read, "LK004", name, f"the CHECK of new column {target} is tried on every row of {name}"
            )
        if keyed := {"CONSTR_UNIQUE", "CONSTR_PRIMARY"} & parts.keys():
            what = "PRIMARY KEY" if "CONSTR_PRIMARY" in keyed else "UNIQUE"
            state.report(
                read, "LK005", name, f"{what} of new column {target} builds its index under the lock"
            )
    if reference := parts.get("CONSTR_FOREIGN"):
        other = state.name(reference.pktable)
        if "CONSTR_DEFAULT" in parts and not state.is_new(name):
            state.report(
                read, "LK004", name, f"the foreign key of new column {target} is checked for every row"
            )
        state.lock(other, "SHARE ROW EXCLUSIVE", read)
    state.born.add(f"column {target}")
    default = parts.get("CONSTR_DEFAULT")
    state.table(name).columns[column.colname] = Column(
        type_, "CONSTR_NOTNULL" in parts, text_of(default.raw_expr) if default else ""
    )


def _rewritten(state: State, type_: str, parts: dict[str, Any]) -> str:
    """Why adding a column of this kind copies the table; "" if it does not."""
    if type_ in SERIALS:
        return f"{type_} takes a value from a sequence for each row"
    if "CONSTR_IDENTITY" in parts:
        return "an identity takes a value for each row"
    if "CONSTR_GENERATED" in parts and parts["CONSTR_GENERATED"].generated_kind != "v":
        return "a stored generated column is computed for each row"
    if state.domains.get(state.qualified(type_.split("."))):
        return f"domain {type_} has a constraint, which is tried on each row"
    default = parts.get("CONSTR_DEFAULT")
    volatile = default and next(
        (called for called in _calls(default.raw_expr) if _is_volatile(state, called)), None
    )
    return f"{volatile}() is volatile, so that each row gets its own value" if volatile else ""


def _calls(node: Any) -> list[str]:
    return [".".join(words(inner.funcname)) for kind, inner in walk(node) if kind == "func_call"]


def _is_volatile(state: State, called: str) -> bool:
    name = state.qualified(called.split("."))
    if name in state.volatile:
        return state.volatile[name]
    plain = called.removeprefix("pg_catalog.")
    return plain in VOLATILE or ("." in plain and not plain.startswith("pg_"))


def _fill(target: str, type_: str) -> str:
    table, _, column = target.rpartition(".")
    return (
        f"ALTER TABLE {table} ADD COLUMN {column} {type_};\n"
        f"ALTER TABLE {table} ALTER COLUMN {column} SET DEFAULT …;\n"
        f"-- and fill the rows that are there in batches"
    )


def _column_default(state: State, read: Read, name: str, command: Any) -> None:
    column = state.table(name).columns.get(command.name)
    if command.HasField("def"):
        return
    if not state.is_new(name) and column and column.not_null and column.default:
        target = f"{name}.{command.name}"
        state.report(
            read, "CP008", target, f"required column {target} loses its default, which inserts rely on"
        )


def _drop_identity(state: State, read: Read, name: str, command: Any) -> None:
    if not state.is_new(name) and state.has_column(name, command.name):
        target = f"{name}.{command.name}"
        state.report(read, "CP008", target, f"{target} is no longer filled by itself, which inserts rely on")


def _set_identity(state: State, read: Read, name: str, command: Any) -> None:
    options = [option.def_elem.defname for option in getattr(command, "def").list.items]
    if "restart" in options and not state.is_new(name):
        target = f"{name}.{command.name}"
        state.report(read, "CP011", target, f"the identity of {target} starts again: keys may collide")


def set_not_null(state: State, read: Read, name: str, command: Any) -> None:
    """SET NOT NULL scans, unless a validated CHECK proves it."""
    columns = state.table(name).columns
    known = columns.get(command.name)
    proven = any(
        constraint.validated and command.name in not_null_columns(constraint.definition)
        for constraint in state.table(name).constraints.values()
    )
    if not state.is_new(name) and not proven and not (known and known.not_null):
        target, fix = f"{name}.{command.name}", _not_null_in_steps(name, command.name, state.major)
        message = f"SET NOT NULL reads every row of {name} under ACCESS EXCLUSIVE"
        state.report(read, "LK002", target, message, fix=fix)
        state.work(name, f"reads every row of {name}", read)
    if known:
        columns[command.name] = replace(known, not_null=True)


def _not_null_in_steps(table: str, column: str, major: int) -> str:
    """The way without a scan under the strong lock; PostgreSQL 18 knows NOT NULL constraints as such."""
    name = f"{column}_not_null"
    if major >= NAMED_NOT_NULL:
        add = f"ALTER TABLE {table} ADD CONSTRAINT {name} NOT NULL {column} NOT VALID;"
        return f"{add}\nCOMMIT;\nALTER TABLE {table} VALIDATE CONSTRAINT {name};"
    return (
        f"ALTER TABLE {table} ADD CONSTRAINT {name} CHECK ({column} IS NOT NULL) NOT VALID;\nCOMMIT;\n"
        f"ALTER TABLE {table} VALIDATE CONSTRAINT {name};\n"
        f"ALTER TABLE {table} ALTER COLUMN {column} SET NOT NULL;\n"
        f"ALTER TABLE {table} DROP CONSTRAINT {name};"
    )


def _drop_not_null(state: State, read: Read, name: str, command: Any) -> None:
    if known := state.table(name).columns.get(command.name):
        state.table(name).columns[command.name] = replace(known, not_null=False)


def _drop_column(state: State, read: Read, name: str, command: Any) -> None:
    target = f"{name}.{command.name}"
    own = f"column {target}" in state.born
    before = state.renamed.get(f"column {target}", command.name)
    state.table(name).columns.pop(command.name, None)
    if own or state.is_new(name) or not state.has_column(name, before):
        if own and read.statement.direction == "downgrade":
            state.report(
                read, "RV005", target, f"drops column {target}, with the values written since the upgrade"
            )
        return
    cascade = enum(command, "behavior") == "DROP_CASCADE"
    more = ", and by CASCADE what depends on it" if cascade else ""
    state.report(read, "DL002", target, f"drops column {target}{more}")


def _column_type(state: State, read: Read, name: str, command: Any) -> None:
    definition = getattr(command, "def").column_def
    new, target = type_name(definition.type_name), f"{name}.{command.name}"
    known = state.table(name).columns.get(command.name)
    own = f"column {target}" in state.born
    if known:
        state.table(name).columns[command.name] = replace(known, type=new)
    if state.is_new(name):
        return
    if known is None:
        message = f"{target} becomes {new}: whether its rows are copied depends on its type now"
        state.report(read, "LK001", target, message)
        return
    change = compare(known.type, new)
    using = unwrap(definition.raw_default)[0]
    constrained = state.domains.get(state.qualified(new.split(".")), False)
    if (
        change.rewrite
        or constrained
        or (using not in ("", "column_ref") and not _plain_cast(definition.raw_default))
    ):
        message = f"{target} from {known.type} to {new} copies every row of {name}"
        state.report(read, "LK001", target, message, fix=_beside(target, new))
        state.work(name, f"copies every row of {name}", read)
    if change.narrows and not own:
        back = read.statement.direction == "downgrade" and same(_was(state, target), new)
        severity = Severity.WARN if back else None
        state.report(
            read, "DL009", target, f"{target} from {known.type} to {new} holds less", severity=severity
        )
    if change.breaks and not own:
        state.report(read, "CP002", target, f"{target} from {known.type} to {new} is another kind of value")


def _plain_cast(node: Any) -> bool:
    kind, inner = unwrap(node)
    return kind == "type_cast" and unwrap(inner.arg)[0] == "column_ref"


def _was(state: State, target: str) -> str:
    table, _, column = target.rpartition(".")
    relation = state.catalog.relations.get(table)
    return relation.columns[column].type if relation and column in relation.columns else ""


def _beside(target: str, new: str) -> str:
    table, _, column = target.rpartition(".")
    return (
        f"ALTER TABLE {table} ADD COLUMN {column}_new {new};\n"
        f"-- write both from the code, fill in batches, then read the new one and drop the old"
    )


COMMANDS = {
    "AT_AddColumn": _add_column,
    "AT_ColumnDefault": _column_default,
    "AT_SetNotNull": set_not_null,
    "AT_DropNotNull": _drop_not_null,
    "AT_DropColumn": _drop_column,
    "AT_AlterColumnType": _column_type,
    "AT_DropIdentity": _drop_identity,
    "AT_SetIdentity": _set_identity,
}
