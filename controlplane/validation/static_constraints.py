"""Static reading, ALTER TABLE: constraints and partitions."""

from dataclasses import replace
from typing import Any

from controlplane.validation.catalog import Constraint
from controlplane.validation.checks import enum, on
from controlplane.validation.model import Severity
from controlplane.validation.parse import text_of, unwrap, walk, words
from controlplane.validation.reading import Read
from controlplane.validation.state import State
from controlplane.validation.static_alter import set_not_null

INDEXED = {"CONSTR_PRIMARY": "PRIMARY KEY", "CONSTR_UNIQUE": "UNIQUE", "CONSTR_EXCLUSION": "EXCLUDE"}
CONTYPES = {
    "CONSTR_PRIMARY": "p", "CONSTR_UNIQUE": "u", "CONSTR_EXCLUSION": "x", "CONSTR_CHECK": "c",
    "CONSTR_FOREIGN": "f", "CONSTR_NOTNULL": "n",
}  # fmt: skip


@on("alter_table_stmt")
def constraints(state: State, read: Read) -> None:
    """Each command of an ALTER TABLE that is about constraints or partitions."""
    if enum(read.node, "objtype") not in ("OBJECT_TABLE", "OBJECT_FOREIGN_TABLE"):
        return
    name = state.name(read.node.relation)
    for command in (unwrap(entry)[1] for entry in read.node.cmds):
        if handle := COMMANDS.get(enum(command, "subtype")):
            handle(state, read, name, command)


def constraint_of(node: Any) -> Constraint:
    """A Constraint node as the catalogue would hold it."""
    kind = CONTYPES.get(enum(node, "contype"), "")
    if kind == "c":
        definition = f"CHECK ({text_of(node.raw_expr)})"
    else:
        columns = ", ".join(words(node.keys) or words(node.fk_attrs))
        definition = f"{INDEXED.get(enum(node, 'contype'), '')} ({columns})"
    return Constraint(kind, definition, validated=not node.skip_validation)


def _add(state: State, read: Read, name: str, command: Any) -> None:
    node = getattr(command, "def").constraint
    kind, label = enum(node, "contype"), node.conname or "…"
    new = state.is_new(name)
    state.lock(name, "SHARE ROW EXCLUSIVE" if kind == "CONSTR_FOREIGN" else "ACCESS EXCLUSIVE", read)
    if kind == "CONSTR_FOREIGN":
        _foreign(state, read, name, node)
    elif kind in INDEXED and not new:
        _indexed(state, read, name, node, INDEXED[kind])
    elif kind == "CONSTR_NOTNULL" and not new and not node.skip_validation:
        for column in words(node.keys):
            set_not_null(state, read, name, _Named(column))
    elif kind == "CONSTR_CHECK" and not new and not node.skip_validation and node.is_enforced:
        expression = text_of(node.raw_expr)
        fix = _not_valid(name, label, f"CHECK ({expression})")
        state.report(
            read, "LK004", name, f"CHECK {label} reads every row of {name} under ACCESS EXCLUSIVE", fix=fix
        )
        state.work(name, f"reads every row of {name}", read)
    if node.skip_validation and read.statement.in_transaction:
        state.unvalidated.add((name, node.conname))
    state.table(name).constraints[node.conname] = constraint_of(node)
    state.born.add(f"constraint {name}.{node.conname}")


class _Named:
    """What set_not_null() needs of a command."""

    def __init__(self, name: str) -> None:
        self.name = name


def _not_valid(name: str, label: str, definition: str) -> str:
    return (
        f"ALTER TABLE {name} ADD CONSTRAINT {label} {definition} NOT VALID;\nCOMMIT;\n"
        f"ALTER TABLE {name} VALIDATE CONSTRAINT {label};"
    )


def _foreign(state: State, read: Read, name: str, node: Any) -> None:
    other = state.name(node.pktable)
    if not state.is_new(name) and not node.skip_validation and node.is_enforced:
        columns, keys = ", ".join(words(node.fk_attrs)), ", ".join(words(node.pk_attrs))
        definition = f"FOREIGN KEY ({columns}) REFERENCES {other}{f' ({keys})' if keys else ''}"
        message = (
            f"foreign key {node.conname or '…'} checks every row of {name} while writers of both tables wait"
        )
        state.report(read, "LK004", name, message, fix=_not_valid(name, node.conname or "…", definition))
        state.work(name, f"checks every row of {name}", read)
    state.lock(other, "SHARE ROW EXCLUSIVE", read)


def _indexed(state: State, read: Read, name: str, node: Any, what: str) -> None:
    if node.indexname:
        if what == "PRIMARY KEY":
            _index_columns(state, read, name, node.indexname)
        return
    columns, label = ", ".join(words(node.keys)) or "…", node.conname or "…"
    fix = (
        f"CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS {label} ON {name} ({columns});\n"
        f"ALTER TABLE {name} ADD CONSTRAINT {label} {what} USING INDEX {label};"
    )
    state.report(
        read, "LK005", name, f"{what} {label} builds its index while nobody reads or writes {name}", fix=fix
    )
    state.work(name, f"builds an index of {name}", read)


def _index_columns(state: State, read: Read, name: str, index: str) -> None:
    """PRIMARY KEY USING INDEX makes the index's columns NOT NULL, with a scan for each that isn't yet."""
    found = state.indexes.get(f"{name.partition('.')[0]}.{index}", ())
    for column in found:
        set_not_null(state, read, name, _Named(column))


def _validate(state: State, read: Read, name: str, command: Any) -> None:
    if state.is_new(name):
        return
    if (name, command.name) in state.unvalidated:
        message = f"validates {command.name} in the transaction that adds it, under its lock"
        fix = f"COMMIT;\nALTER TABLE {name} VALIDATE CONSTRAINT {command.name};"
        state.report(read, "LK006", name, message, fix=fix)
    else:
        state.work(name, f"reads every row of {name}", read)
    if found := state.table(name).constraints.get(command.name):
        state.table(name).constraints[command.name] = replace(found, validated=True)


def _drop(state: State, read: Read, name: str, command: Any) -> None:
    found = state.table(name).constraints.pop(command.name, None)
    own = f"constraint {name}.{command.name}" in state.born
    if own or state.is_new(name) or (found is None and state.catalog.known):
        return
    target = f"{name}.{command.name}"
    if found is None or found.kind == "f":
        what = "constraint" if found is None else "foreign key"
        state.report(read, "CP009", target, f"drops {what} {command.name} of {name}", severity=Severity.WARN)
    elif found.kind in "pux":
        lost = found.definition.partition("(")[2]
        kept = any(
            other.definition.partition("(")[2] == lost for other in state.table(name).constraints.values()
        )
        if not kept:
            message = f"drops key {command.name} of {name}, which ON CONFLICT may name"
            state.report(read, "CP009", target, message)


def _attach(state: State, read: Read, name: str, command: Any) -> None:
    part = getattr(command, "def").partition_cmd
    child = state.name(part.name)
    state.lock(child, "ACCESS EXCLUSIVE", read)
    if state.is_new(child) or _proves_bounds(state, child, part.bound):
        return
    message = f"reads every row of {child} under ACCESS EXCLUSIVE to prove its bounds"
    state.report(read, "LK007", child, message)
    state.work(child, f"reads every row of {child}", read)


def _proves_bounds(state: State, child: str, bound: Any) -> bool:
    """Whether validated CHECKs of the child name every value of its bounds; the traced run knows."""
    values = {
        inner.sval.sval or str(inner.ival.ival)
        for datum in (*bound.lowerdatums, *bound.upperdatums, *bound.listdatums)
        for kind, inner in walk(datum)
        if kind == "a_const"
    }
    checks = " ".join(
        found.definition
        for found in state.table(child).constraints.values()
        if found.kind == "c" and found.validated
    )
    return bool(values) and all(value in checks for value in values)


def _detach(state: State, read: Read, name: str, command: Any) -> None:
    part = getattr(command, "def").partition_cmd
    child = state.name(part.name)
    if part.concurrent:
        state.lock(name, "SHARE UPDATE EXCLUSIVE", read)
        return
    if not state.is_new(child):
        fix = f"ALTER TABLE {name} DETACH PARTITION {child} CONCURRENTLY;"
        state.report(read, "LK008", child, f"readers of {name} wait while {child} is detached", fix=fix)
    state.lock(name, "ACCESS EXCLUSIVE", read)


COMMANDS = {
    "AT_AddConstraint": _add,
    "AT_ValidateConstraint": _validate,
    "AT_DropConstraint": _drop,
    "AT_AttachPartition": _attach,
    "AT_DetachPartition": _detach,
}


@on("alter_domain_stmt")
def domain(state: State, read: Read) -> None:
    """ALTER DOMAIN: a constraint is tried on every row of every table that uses the domain."""
    name = state.qualified(words(read.node.type_name))
    if state.is_new(name, "type "):
        return
    kind, node = unwrap(getattr(read.node, "def"))
    adds = read.node.subtype == "C" and kind == "constraint" and not node.skip_validation
    if adds or read.node.subtype == "O":
        state.report(read, "LK004", name, f"every table with a column of {name} is read through under a lock")
    if read.node.subtype == "C":
        state.domains[name] = True
