"""What a statement leaves behind, for the statements after it to be judged by."""

from dataclasses import replace
from typing import Any

from controlplane.validation.catalog import Column
from controlplane.validation.checks import enum
from controlplane.validation.parse import text_of, unwrap, walk, words
from controlplane.validation.reading import Read, body_of
from controlplane.validation.state import State, Table, type_name
from controlplane.validation.static_constraints import constraint_of

KEYS = "pu"
SUFFIXES = {"p": "pkey", "u": "key", "c": "check", "f": "fkey", "x": "excl"}
TYPES = ("create_enum_stmt", "composite_type_stmt", "create_range_stmt", "create_domain_stmt", "define_stmt")


def apply(state: State, read: Read) -> None:
    """Change the state as the statement changes the database."""
    if effect := EFFECTS.get(read.kind):
        effect(state, read)


def _transaction(state: State, read: Read) -> None:
    if enum(read.node, "kind") in ("TRANS_STMT_COMMIT", "TRANS_STMT_ROLLBACK", "TRANS_STMT_PREPARE"):
        state.end_transaction()


def _create_table(state: State, read: Read) -> None:
    node, name = read.node, state.name(read.node.relation)
    if node.if_not_exists and name in state.catalog.relations:
        return
    table = Table(name, "p" if node.HasField("partspec") else "r")
    _born(state, read, name, table)
    for parent in node.inh_relations:
        table.columns.update(state.table(state.name(unwrap(parent)[1])).columns)
    if node.HasField("partbound"):
        state.born.add(f"partition {name}")
    for kind, inner in map(unwrap, node.table_elts):
        if kind == "column_def":
            parts = {enum(part, "contype"): part for _, part in map(unwrap, inner.constraints)}
            default = parts.get("CONSTR_DEFAULT")
            table.columns[inner.colname] = Column(
                type_name(inner.type_name),
                "CONSTR_NOTNULL" in parts,
                text_of(default.raw_expr) if default else "",
            )
            for part in parts.values():
                _constrain(table, part, [inner.colname])
        elif kind == "constraint":
            _constrain(table, inner, words(inner.keys) or words(inner.fk_attrs))
        elif kind == "table_like_clause":
            table.columns.update(state.table(state.name(inner.relation)).columns)


def _constrain(table: Table, node: Any, columns: list[str]) -> None:
    """Note a constraint, under the name that PostgreSQL gives it if it has none."""
    made = constraint_of(node)
    if made.kind in SUFFIXES:
        suffix = SUFFIXES[made.kind]
        parts = [table.name.rpartition(".")[2], *(columns if suffix != "pkey" else []), suffix]
        if made.kind in KEYS:
            made = replace(made, definition=f"({', '.join(columns)})")
        table.constraints[node.conname or "_".join(parts)] = made


def _born(state: State, read: Read, name: str, table: Table) -> None:
    state.born.add(name)
    state.tables[name] = table
    state.made[name] = read


def _create_as(state: State, read: Read) -> None:
    name = state.name(read.node.into.rel)
    if read.node.if_not_exists and name in state.catalog.relations:
        return
    table = Table(name, "m" if enum(read.node, "objtype") == "OBJECT_MATVIEW" else "r")
    table.columns.update(_columns_of(state, read.node.query))
    if table.kind == "m":
        table.reads = state.table(name).reads
    _born(state, read, name, table)


def _create_view(state: State, read: Read) -> None:
    name = state.name(read.node.view)
    aliases = words(read.node.aliases)
    table = state.table(name)
    table.columns = {alias: Column("") for alias in aliases} or _columns_of(state, read.node.query)
    state.made[f"view {name}"] = read
    if name not in state.catalog.relations:
        state.born.add(name)


def _columns_of(state: State, query: Any) -> dict[str, Column]:
    """The columns that a query gives, by name; a star gives those of every table."""
    kind, select = unwrap(query)
    if kind != "select_stmt":
        return {}
    while select.HasField("larg"):
        select = select.larg
    found: dict[str, Column] = {}
    for _, target in map(unwrap, select.target_list):
        kind, value = unwrap(target.val)
        if kind == "column_ref" and any(part == "a_star" for part, _ in map(unwrap, value.fields)):
            for name in state.relations_in(query):
                found.update(state.table(name).columns)
        elif label := target.name or _label(kind, value):
            found[label] = Column("")
    return found


def _label(kind: str, value: Any) -> str:
    if kind == "column_ref":
        return (words(value.fields) or [""])[-1]
    return words(value.funcname)[-1] if kind == "func_call" else ""


def _create_type(state: State, read: Read) -> None:
    node = read.node
    if read.kind == "composite_type_stmt":
        name = state.name(node.typevar)
    elif read.kind == "create_domain_stmt":
        name = state.qualified(words(node.domainname))
        kinds = {enum(part, "contype") for kind, part in walk(node) if kind == "constraint"}
        state.domains[name] = bool(kinds & {"CONSTR_CHECK", "CONSTR_NOTNULL"})
    else:
        name = state.qualified(words(node.defnames if read.kind == "define_stmt" else node.type_name))
    state.born.add(f"type {name}")


def _create_schema(state: State, read: Read) -> None:
    if read.node.schemaname not in state.catalog.schemas:
        state.born.add(f"schema {read.node.schemaname}")
    for entry in read.node.schema_elts:
        kind, node = unwrap(entry)
        apply(state, Read(read.statement, kind, node, read.sql, read.line, read.via))


def _create_function(state: State, read: Read) -> None:
    name = state.qualified(words(read.node.funcname))
    if not any(found.name == name for found in state.catalog.functions):
        state.born.add(f"function {name}")
    state.made[f"function {name}"] = read
    options = {option.defname: option for _, option in map(unwrap, read.node.options)}
    volatility = options["volatility"].arg.string.sval if "volatility" in options else "volatile"
    state.volatile[name] = volatility == "volatile"
    if body := body_of(read.node, read.sql, read.line or 1):
        state.functions.setdefault(name, []).insert(0, body)


def _create_sequence(state: State, read: Read) -> None:
    name = state.name(read.node.sequence)
    if name not in state.catalog.relations:
        _born(state, read, name, Table(name, "S"))


def _create_role(state: State, read: Read) -> None:
    if read.node.role not in state.catalog.roles:
        state.born.add(f"role {read.node.role}")


def _extension(state: State, read: Read) -> None:
    state.born.add(f"extension {read.node.extname}")


def _alter_table(state: State, read: Read) -> None:
    """A table that gets a tenant column here is judged by how it ends, like a new one."""
    name = state.name(read.node.relation)
    for command in (unwrap(entry)[1] for entry in read.node.cmds):
        added = enum(command, "subtype") == "AT_AddColumn"
        if added and getattr(command, "def").column_def.colname in state.catalog.tenant_columns:
            state.made.setdefault(name, read)


def _drop(state: State, read: Read) -> None:
    kind = enum(read.node, "remove_type")
    for entry in read.node.objects:
        if kind in ("OBJECT_TABLE", "OBJECT_VIEW", "OBJECT_MATVIEW", "OBJECT_SEQUENCE"):
            name = state.qualified(words(unwrap(entry)[1].items))
            state.made.pop(name, None)
            state.made.pop(f"view {name}", None)
            state.tables.pop(name, None)
            if kind == "OBJECT_TABLE":
                state.dropped[f"table {name}"] = read


EFFECTS = {
    "transaction_stmt": _transaction,
    "create_stmt": _create_table,
    "create_table_as_stmt": _create_as,
    "view_stmt": _create_view,
    "create_schema_stmt": _create_schema,
    "create_function_stmt": _create_function,
    "create_seq_stmt": _create_sequence,
    "create_role_stmt": _create_role,
    "create_extension_stmt": _extension,
    "alter_table_stmt": _alter_table,
    "drop_stmt": _drop,
    **dict.fromkeys(TYPES, _create_type),
}
