"""Static reading, rows: DELETE, UPDATE, MERGE, INSERT, TRUNCATE and COPY, wherever they hide."""

from controlplane.validation.bounds import is_bounded
from controlplane.validation.checks import enum, on
from controlplane.validation.parse import unwrap, walk, words
from controlplane.validation.reading import Read
from controlplane.validation.state import State


@on("truncate_stmt")
def truncate(state: State, read: Read) -> None:
    """TRUNCATE, table by table."""
    for relation in read.node.relations:
        name = state.name(unwrap(relation)[1])
        if not state.is_new(name):
            fix = (
                f"DELETE FROM {name} WHERE id BETWEEN 1 AND 1000;  -- in batches, each in its own transaction"
            )
            state.report(read, "DL006", name, f"truncates {name}", fix=fix)
            state.lock(name, "ACCESS EXCLUSIVE", read)


@on("delete_stmt", "update_stmt")
def change(state: State, read: Read) -> None:
    """DELETE and UPDATE without a bound."""
    node, deletes = read.node, read.kind == "delete_stmt"
    name = state.name(node.relation)
    if _writes_catalogue(state, read, name) or state.is_new(name):
        return
    sources = node.using_clause if deletes else node.from_clause
    if is_bounded(node.where_clause, state.keys(name), list(state.table(name).columns), sources):
        return
    if not deletes and read.batched:
        return
    key = next((sorted(key)[0] for key in state.keys(name) if len(key) == 1), "id")
    verb, rule = ("deletes", "DL007") if deletes else ("overwrites", "DL008")
    which = "whatever rows the WHERE meets that day" if unwrap(node.where_clause)[0] else "every row"
    start = f"DELETE FROM {name}" if deletes else f"UPDATE {name} SET …"
    state.report(
        read, rule, name, f"{verb} {which} of {name}", fix=f"{start} WHERE {key} BETWEEN 1 AND 1000;"
    )
    state.work(name, verb, read)


def _writes_catalogue(state: State, read: Read, name: str) -> bool:
    if not name.startswith("pg_catalog."):
        return False
    state.report(read, "HY003", name, f"writes to the system catalogue: {name}")
    return True


@on("merge_stmt")
def merge(state: State, read: Read) -> None:
    """MERGE that deletes or overwrites rows for whatever its source holds."""
    name = state.name(read.node.relation)
    if state.is_new(name):
        return
    kind, source = unwrap(read.node.source_relation)
    limited = kind == "range_subselect" and len(unwrap(source.subquery)[1].values_lists)
    for clause in read.node.merge_when_clauses:
        command = enum(unwrap(clause)[1], "command_type")
        if command in ("CMD_DELETE", "CMD_UPDATE") and not limited:
            rule = "DL007" if command == "CMD_DELETE" else "DL008"
            verb = "deletes" if command == "CMD_DELETE" else "overwrites"
            state.report(read, rule, name, f"MERGE {verb} whatever rows of {name} its source meets that day")
            state.work(name, verb, read)


@on("insert_stmt")
def insert(state: State, read: Read) -> None:
    """INSERT … SELECT from tables that hold rows, while others wait; and writes to the catalogue."""
    name = state.name(read.node.relation)
    if _writes_catalogue(state, read, name):
        return
    _, query = unwrap(read.node.select_stmt)
    sources = set() if query is None else state.relations_in(query)
    existing = sorted(source for source in sources if not state.is_new(source))
    if not existing:
        return
    if not unwrap(query.limit_count)[0]:
        state.work(existing[0], f"copies rows of {existing[0]}", read)
    conflict = read.node.on_conflict_clause
    overwrites = read.node.HasField("on_conflict_clause") and enum(conflict, "action") == "ONCONFLICT_UPDATE"
    if overwrites and not state.is_new(name):
        state.report(read, "DL008", name, f"overwrites whatever rows of {name} conflict with the query")


@on("create_table_as_stmt")
def create_as(state: State, read: Read) -> None:
    """CREATE TABLE … AS reads its tables through, under whatever locks are held."""
    for name in sorted(state.relations_in(read.node.query)):
        state.work(name, f"copies rows of {name}", read)


@on("copy_stmt")
def copy(state: State, read: Read) -> None:
    """COPY from or to a program or a file of the server."""
    if read.node.is_program or read.node.filename:
        what = "a program" if read.node.is_program else f"the server's file {read.node.filename}"
        state.report(read, "SE018", read.node.filename or "COPY", f"COPY reaches {what}")


@on("alter_enum_stmt")
def new_label(state: State, read: Read) -> None:
    """ALTER TYPE … ADD VALUE, to be seen if it is used at once; RENAME VALUE."""
    node, name = read.node, state.qualified(words(read.node.type_name))
    if state.is_new(name, "type "):
        return
    if node.old_val:
        state.report(read, "CP006", name, f"renames value {node.old_val!r} of {name} to {node.new_val!r}")
    elif read.statement.in_transaction:
        state.new_labels[node.new_val] = name


@on("insert_stmt", "update_stmt", "delete_stmt", "select_stmt", "alter_table_stmt", "create_stmt",
    "index_stmt", "view_stmt", "create_policy_stmt", "merge_stmt")  # fmt: skip
def uses_new_label(state: State, read: Read) -> None:
    """A literal that is an enum value added in the same transaction."""
    if not state.new_labels:
        return
    for kind, node in walk(read.node):
        if kind == "a_const" and node.WhichOneof("val") == "sval" and node.sval.sval in state.new_labels:
            label = node.sval.sval
            type_ = state.new_labels[label]
            state.report(read, "CP004", type_, f"uses {label!r} of {type_} in the transaction that adds it")
            return
