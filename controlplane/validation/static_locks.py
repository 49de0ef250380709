"""Static reading, locks: indexes, rebuilds, refreshes, triggers, and what can't be in a transaction."""

from typing import Any

from controlplane.validation.checks import enum, on
from controlplane.validation.parse import unwrap, walk, words
from controlplane.validation.reading import Read
from controlplane.validation.state import BLOCKS_WRITERS, MODES, State

LOCK_MODES = dict(enumerate(MODES, 1))  # as LOCK TABLE's node numbers them


def _options(nodes: Any) -> set[str]:
    """The names of the options that are switched on, such as CONCURRENTLY in parentheses."""
    on_ = set()
    for _, option in map(unwrap, nodes):
        kind, value = unwrap(option.arg)
        off = (
            kind in ("string", "boolean")
            and str(getattr(value, "sval", "") or getattr(value, "boolval", "")).lower()
        )
        if off not in ("false", "off", "0", "no"):
            on_.add(option.defname.lower())
    return on_


@on("index_stmt")
def create_index(state: State, read: Read) -> None:
    """CREATE INDEX."""
    node, name = read.node, state.name(read.node.relation)
    label = node.idxname or "…"
    columns = ", ".join(unwrap(part)[1].name or "(…)" for part in node.index_params)
    if node.concurrent:
        _outside(state, read, f"CREATE INDEX CONCURRENTLY {label}")
        state.lock(name, "SHARE UPDATE EXCLUSIVE", read)
    elif not state.is_new(name) and node.relation.inh and state.table(name).kind != "m":
        unique = "UNIQUE " if node.unique else ""
        fix = f"CREATE {unique}INDEX CONCURRENTLY IF NOT EXISTS {label} ON {name} ({columns});"
        state.report(read, "LK003", name, f"writers of {name} wait while index {label} is built", fix=fix)
        state.lock(name, "SHARE", read)
        state.work(name, f"builds an index of {name}", read)
    elif state.table(name).kind != "m":  # the only writer of a materialized view is REFRESH
        state.lock(name, "SHARE", read)
    if node.unique and not unwrap(node.where_clause)[0]:
        state.table(name).keys.append(frozenset(unwrap(part)[1].name for part in node.index_params))
    index = f"{name.partition('.')[0]}.{node.idxname}"
    state.born.add(index)
    state.indexes[index] = tuple(unwrap(part)[1].name for part in node.index_params)


@on("reindex_stmt")
def reindex(state: State, read: Read) -> None:
    """REINDEX."""
    node = read.node
    name = state.name(node.relation) if node.HasField("relation") else node.name
    if "concurrently" in _options(node.params):
        _outside(state, read, f"REINDEX CONCURRENTLY {name}")
        return
    if state.is_new(name):
        return
    what = enum(node, "kind").removeprefix("REINDEX_OBJECT_")
    fix = f"REINDEX {what} CONCURRENTLY {name};"
    state.report(read, "LK015", name, f"writers wait while {name} is reindexed", fix=fix)
    state.lock(name, "SHARE" if what == "TABLE" else "ACCESS EXCLUSIVE", read)
    state.work(name, f"builds the indexes of {name}", read)


@on("drop_stmt")
def drop_index(state: State, read: Read) -> None:
    """DROP INDEX."""
    if enum(read.node, "remove_type") != "OBJECT_INDEX":
        return
    for entry in read.node.objects:
        name = state.qualified(words(unwrap(entry)[1].items))
        if read.node.concurrent:
            _outside(state, read, f"DROP INDEX CONCURRENTLY {name}")
            continue
        found = state.catalog.relations.get(name)
        if state.is_new(name) or (found and state.is_new(found.table)):
            continue
        table = found.table if found else name
        fix = f"DROP INDEX CONCURRENTLY IF EXISTS {name};"
        state.report(read, "LK016", name, f"everyone on {table} waits for {name} to be dropped", fix=fix)
        state.lock(table, "ACCESS EXCLUSIVE", read)


@on("cluster_stmt")
def cluster(state: State, read: Read) -> None:
    """CLUSTER."""
    name = state.name(read.node.relation) if read.node.HasField("relation") else "every clustered table"
    if not state.is_new(name):
        state.report(read, "LK012", name, f"CLUSTER copies {name} while nobody reads or writes it")
        state.lock(name, "ACCESS EXCLUSIVE", read)


@on("vacuum_stmt")
def vacuum(state: State, read: Read) -> None:
    """VACUUM FULL; any VACUUM inside a transaction."""
    if not read.node.is_vacuumcmd:
        return
    _outside(state, read, "VACUUM")
    if "full" not in _options(read.node.options):
        return
    tables = [state.name(unwrap(entry)[1].relation) for entry in read.node.rels] or ["every table"]
    for name in tables:
        if not state.is_new(name):
            fix = f"VACUUM (ANALYZE) {name};"
            state.report(
                read, "LK012", name, f"VACUUM FULL copies {name} while nobody reads or writes it", fix=fix
            )


@on("refresh_mat_view_stmt")
def refresh(state: State, read: Read) -> None:
    """REFRESH MATERIALIZED VIEW."""
    name = state.name(read.node.relation)
    if state.is_new(name):
        return
    if not read.node.concurrent:
        fix = f"REFRESH MATERIALIZED VIEW CONCURRENTLY {name};  -- needs a unique index"
        state.report(read, "LK013", name, f"readers of {name} wait while it is refreshed", fix=fix)
        state.lock(name, "ACCESS EXCLUSIVE", read)
    state.work(name, f"computes {name}", read)


@on("lock_stmt")
def lock_table(state: State, read: Read) -> None:
    """LOCK TABLE."""
    mode = LOCK_MODES.get(read.node.mode, MODES[-1])
    for relation in read.node.relations:
        name = state.name(unwrap(relation)[1])
        if not state.is_new(name) and MODES.index(mode) >= BLOCKS_WRITERS:
            state.report(read, "LK014", name, f"locks {name} in {mode} mode")
        state.lock(name, mode, read)


@on("create_trig_stmt", "rule_stmt")
def create_trigger(state: State, read: Read) -> None:
    """CREATE TRIGGER and CREATE RULE on a table in use."""
    name = state.name(read.node.relation)
    if state.is_new(name) or state.table(name).kind == "v":
        return
    what = "trigger" if read.kind == "create_trig_stmt" else "rule"
    label = read.node.trigname if what == "trigger" else read.node.rulename
    mode = "SHARE ROW EXCLUSIVE" if what == "trigger" else "ACCESS EXCLUSIVE"
    state.report(
        read, "LK017", name, f"{what} {label} takes {mode} on {name}, and runs on its writes from then on"
    )
    state.lock(name, mode, read)
    if what == "rule" and read.node.instead:
        state.report(read, "CP012", name, f"rule {label} changes what is sent to {name}, without an error")


@on("create_stmt")
def create_partition(state: State, read: Read) -> None:
    """CREATE TABLE … PARTITION OF and REFERENCES lock the other table for a moment."""
    for kind, node in walk(read.node):
        if kind == "constraint" and node.HasField("pktable"):
            state.lock(state.name(node.pktable), "SHARE ROW EXCLUSIVE", read)
    if read.node.HasField("partbound"):
        state.lock(state.name(unwrap(read.node.inh_relations[0])[1]), "ACCESS EXCLUSIVE", read)


@on("alter_system_stmt", "createdb_stmt", "dropdb_stmt", "create_table_space_stmt", "drop_table_space_stmt",
    "create_subscription_stmt")  # fmt: skip
def alone(state: State, read: Read) -> None:
    """The other statements that PostgreSQL refuses inside a transaction."""
    _outside(state, read, read.sql.split("\n")[0][:60])


@on("alter_table_stmt")
def detach_concurrently(state: State, read: Read) -> None:
    """DETACH PARTITION … CONCURRENTLY."""
    for _, command in map(unwrap, read.node.cmds):
        if (
            enum(command, "subtype") == "AT_DetachPartition"
            and getattr(command, "def").partition_cmd.concurrent
        ):
            _outside(state, read, "DETACH PARTITION CONCURRENTLY")


def _outside(state: State, read: Read, what: str) -> None:
    if read.statement.in_transaction:
        state.report(read, "LK019", what.rpartition(" ")[2], f"{what} can't run inside a transaction")
