"""Static reading, the session and the server: settings, dangerous calls, what could not be read."""

import re

from controlplane.validation.checks import enum, on
from controlplane.validation.model import Severity
from controlplane.validation.parse import constant, unwrap, walk, words
from controlplane.validation.reading import RUNS_CALLS, UNREADABLE, Read
from controlplane.validation.state import State

UNITS = {"us": 0.001, "ms": 1, "s": 1000, "min": 60_000, "h": 3_600_000, "d": 86_400_000}
DURATION = re.compile(r"^\s*(\d+(?:\.\d+)?)\s*([a-z]*)\s*$")
OTHERS = {
    "pg_terminate_backend": "ends other sessions",
    "pg_cancel_backend": "cancels other sessions' statements",
}
SLEEPS = ("pg_sleep", "pg_sleep_for", "pg_sleep_until")
SERVER = {
    "pg_read_file", "pg_read_binary_file", "pg_ls_dir", "pg_stat_file", "pg_file_write", "pg_file_unlink",
    "lo_import", "lo_export", "dblink", "dblink_exec", "dblink_connect",
}  # fmt: skip
SETTINGS = {"pg_reload_conf", "pg_rotate_logfile", "pg_promote", "pg_switch_wal"}
LOSES = {"lo_unlink": "a large object", "pg_drop_replication_slot": "a replication slot"}
REACHING = {"file_fdw", "dblink", "adminpack", "plpython3u", "plperlu", "pltclu"}
GUARDING = {"row_security": "off", "session_replication_role": "replica"}
GRAVE = {"search_path", "role", *GUARDING}


def milliseconds(value: str) -> int | None:
    """A duration as PostgreSQL writes it ("2s", "500") in milliseconds; None for what is no duration."""
    match = DURATION.match(value.lower())
    if not match or match[2] not in ("", *UNITS):
        return None
    return int(float(match[1]) * UNITS.get(match[2], 1) + 0.999)


@on("variable_set_stmt")
def set_variable(state: State, read: Read) -> None:
    """SET, SET LOCAL, RESET."""
    node, kind = read.node, enum(read.node, "kind")
    values = [constant(argument) or "" for argument in node.args]
    if kind == "VAR_RESET_ALL":
        state.timeout = None
    elif node.name in GUARDING or node.name in ("lock_timeout", "search_path"):
        given = values if kind == "VAR_SET_VALUE" else []
        _setting(state, read, node.name, given, local=node.is_local)


def _setting(state: State, read: Read, name: str, values: list[str], *, local: bool) -> None:
    if name == "lock_timeout":
        state.timeout = milliseconds(values[0]) if values else None
        state.local_timeout = local
        if not local:
            state.default_timeout = state.timeout
    elif name == "search_path":
        parts = [part.strip().strip('"') for value in values for part in value.split(",")]
        state.search_path = [part for part in parts if part] or state.catalog.search_path
    elif values and values[0].lower() in (GUARDING[name], "false", "0"):
        state.report(read, "SE016", name, f"{name} = {values[0]}: guards don't run in this session")


@on(*RUNS_CALLS)
def calls(state: State, read: Read) -> None:
    """Functions that reach beyond the database, or set a variable."""
    for kind, node in walk(read.node):
        if kind != "func_call":
            continue
        name = words(node.funcname)[-1]
        arguments = [constant(argument) for argument in node.args]
        if (
            name == "set_config"
            and len(arguments) == 3
            and arguments[0] in ("lock_timeout", "search_path", *GUARDING)
        ):
            value = [] if arguments[1] is None else [arguments[1]]
            _setting(state, read, str(arguments[0]), value, local=arguments[2] == "true")
        elif name in OTHERS:
            state.report(read, "HY004", name, f"{name}() {OTHERS[name]}")
        elif name in SLEEPS and state.locks and not read.batched:
            state.report(read, "HY004", name, f"{name}() sleeps on locks, held since {_since(state)}")
        elif name in SERVER:
            state.report(read, "SE018", name, f"{name}() reaches beyond the database")
        elif name in SETTINGS:
            state.report(read, "HY001", name, f"{name}() acts on the whole server")
        elif name in LOSES:
            state.report(read, "DL010", name, f"{name}() drops {LOSES[name]}")


def _since(state: State) -> str:
    return ", ".join(str(since.location) for _, since in state.locks.values())


@on("select_stmt")
def locks_rows(state: State, read: Read) -> None:
    """SELECT … FOR UPDATE without WHERE or LIMIT locks every row."""
    node = read.node
    if not len(node.locking_clause) or unwrap(node.where_clause)[0] or unwrap(node.limit_count)[0]:
        return
    strength = enum(unwrap(node.locking_clause[0])[1], "strength")
    for name in sorted(state.relations_in(node)):
        if not state.is_new(name) and strength in ("LCS_FORUPDATE", "LCS_FORNOKEYUPDATE"):
            state.report(read, "LK014", name, f"locks every row of {name} against writers")


@on("alter_system_stmt")
def alter_system(state: State, read: Read) -> None:
    """ALTER SYSTEM."""
    setting = read.node.setstmt.name or "ALL"
    state.report(read, "HY001", setting, f"changes {setting} for the whole server")


@on("alter_database_set_stmt", "alter_database_stmt", "alter_role_set_stmt", "create_event_trig_stmt",
    "create_publication_stmt", "create_subscription_stmt", "alter_event_trig_stmt")  # fmt: skip
def whole_database(state: State, read: Read) -> None:
    """What every later session gets."""
    node = read.node
    severity: Severity | None = None
    if read.kind == "alter_role_set_stmt":
        target = node.role.rolename or "every role"
        severity = None if node.setstmt.name in GRAVE or target == "every role" else Severity.WARN
        message = f"{node.setstmt.name or 'a setting'} changes for {target}"
    elif read.kind.startswith("alter_database"):
        target, message = node.dbname, f"a setting changes for database {node.dbname}"
    elif "event_trig" in read.kind:
        target, message = node.trigname, f"event trigger {node.trigname} runs on every session's statements"
    else:
        target = getattr(node, "pubname", "") or getattr(node, "subname", "")
        severity, message = Severity.WARN, f"{target} replicates from now on"
    state.report(read, "HY002", target, message, severity=severity)


@on("create_extension_stmt")
def extension(state: State, read: Read) -> None:
    """CREATE EXTENSION of one that reaches beyond the database."""
    if read.node.extname in REACHING:
        message = f"extension {read.node.extname} reaches the server's files or other servers"
        state.report(read, "SE018", read.node.extname, message)


@on(UNREADABLE)
def unreadable(state: State, read: Read) -> None:
    """What the parser could not read: the traced run has to judge it."""
    state.report(read, "HY006", read.via or "statement", f"could not be read: {read.sql}")
