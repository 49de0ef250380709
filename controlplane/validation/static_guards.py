"""Static reading, security: guard triggers, the functions behind them, and definer functions."""

from typing import Any

from controlplane.validation.checks import at_end, enum, on
from controlplane.validation.guards import Refusal, refusal
from controlplane.validation.model import Severity
from controlplane.validation.parse import Unparsable, pieces, text_of, unwrap, words
from controlplane.validation.reading import Read, body_of
from controlplane.validation.state import State

OFF = {"AT_DisableTrig", "AT_DisableTrigAll", "AT_DisableTrigUser", "AT_EnableReplicaTrig", "AT_DisableRule"}
UNTRUSTED = ("c", "internal", "plpython3u", "plpythonu", "plperlu", "pltclu")


@on("alter_table_stmt")
def switched_off(state: State, read: Read) -> None:
    """DISABLE TRIGGER, ENABLE REPLICA TRIGGER, DISABLE RULE, and ENABLE of what was ALWAYS."""
    name = state.name(read.node.relation)
    if state.is_new(name):
        return
    triggers = state.catalog.relations[name].triggers if name in state.catalog.relations else {}
    for command in (unwrap(entry)[1] for entry in read.node.cmds):
        subtype = enum(command, "subtype")
        if subtype == "AT_EnableTrig" and command.name in triggers and triggers[command.name].enabled == "A":
            message = f"trigger {command.name} of {name} no longer runs in replica sessions"
            state.report(read, "SE005", f"{name}.{command.name}", message)
        if subtype not in OFF:
            continue
        label = command.name or ("ALL" if subtype == "AT_DisableTrigAll" else "USER")
        known = triggers.get(command.name)
        own = command.name and known is None and bool(triggers or state.catalog.known)
        if (own and subtype != "AT_DisableRule") or (known and known.enabled == "D"):
            continue
        how = "runs in replica sessions only" if "Replica" in subtype else "is switched off"
        fix = f"ALTER TABLE {name} ENABLE ALWAYS TRIGGER {label};"
        state.report(read, "SE005", f"{name}.{label}", f"trigger {label} of {name} {how}", fix=fix)


@on("drop_stmt")
def drop_trigger(state: State, read: Read) -> None:
    """DROP TRIGGER and DROP RULE."""
    kind = enum(read.node, "remove_type")
    if kind not in ("OBJECT_TRIGGER", "OBJECT_RULE"):
        return
    for entry in read.node.objects:
        *table, trigger = words(unwrap(entry)[1].items)
        name = state.qualified(table)
        before = state.catalog.relations.get(name)
        state.lock(name, "ACCESS EXCLUSIVE", read)
        if (
            kind == "OBJECT_TRIGGER"
            and not state.is_new(name)
            and (before is None or trigger in before.triggers)
        ):
            state.dropped[f"trigger {name} {trigger}"] = read


@at_end
def triggers_not_made_again(state: State) -> None:
    """Each trigger that was dropped must be there again."""
    for key, read in state.dropped.items():
        kind, name, trigger = (*key.split(" ", 2), "", "")[:3]
        if kind == "trigger" and key not in state.made and f"table {name}" not in state.dropped:
            state.report(read, "SE005", f"{name}.{trigger}", f"trigger {trigger} of {name} is dropped")


@on("create_trig_stmt")
def other_trigger(state: State, read: Read) -> None:
    """A trigger made again that guards less than it did."""
    node, name = read.node, state.name(read.node.relation)
    state.made[f"trigger {name} {node.trigname}"] = read
    before = state.catalog.relations.get(name)
    old = before.triggers.get(node.trigname) if before else None
    if old is None:
        return
    target, function = f"{name}.{node.trigname}", state.qualified(words(node.funcname))
    if function != old.function:
        state.report(
            read, "SE005", target, f"trigger {node.trigname} runs {function}() instead of {old.function}()"
        )
        return
    try:
        was = pieces(old.definition)[0].node if old.definition else None
    except Unparsable:
        was = None
    if was is not None and _runs_for_less(was, node):
        state.report(read, "SE005", target, f"trigger {node.trigname} of {name} runs for less than it did")


def _runs_for_less(was: Any, now: Any) -> bool:
    """Whether a trigger misses events, rows or columns that it saw before."""
    if was.events & ~now.events or was.timing != now.timing or (was.row and not now.row):
        return True
    if len(now.columns) and not (len(was.columns) and set(words(was.columns)) <= set(words(now.columns))):
        return True
    when = text_of(now.when_clause) if unwrap(now.when_clause)[0] else ""
    before = text_of(was.when_clause) if unwrap(was.when_clause)[0] else ""
    return bool(when) and when != before


@on("create_function_stmt")
def function(state: State, read: Read) -> None:
    """CREATE FUNCTION: a guard that refuses less, a definer, an untrusted language."""
    node = read.node
    name = state.qualified(words(node.funcname))
    options = [option for _, option in map(unwrap, node.options)]
    named = [option.arg.string.sval for option in options if option.defname == "language"]
    language = named[0].lower() if named else "sql"
    if language in UNTRUSTED:
        state.report(
            read, "SE018", name, f"{name}() is written in {language}, which can do anything on the server"
        )
    existed = any(found.name == name for found in state.catalog.functions)
    if existed:
        _replaced(state, read, name)
    _settings(state, read, name, options, new=not existed)


def _replaced(state: State, read: Read, name: str) -> None:
    body = body_of(read.node, read.sql, 1)
    guarded = [
        f"{relation.name}.{trigger}"
        for relation in state.catalog.relations.values()
        for trigger, found in relation.triggers.items()
        if found.function == name
    ]
    if guarded and body:
        old = next(found for found in state.catalog.functions if found.name == name)
        before, after = refusal(old.body, old.language), refusal(body.text, body.language)
        if before and (after is None or after < before):
            words_ = {None: "something unreadable", Refusal.NEVER: "nothing", Refusal.SOMETIMES: "less"}
            message = f"{name}(), which guards {', '.join(guarded)}, now refuses {words_.get(after, 'less')}"
            state.report(read, "SE006", name, message)
    held = [
        f"{relation.name}.{policy}"
        for relation in state.catalog.relations.values()
        for policy, found in relation.policies.items()
        if f"{name}(" in found.using + found.check
        or f"{name.rpartition('.')[2]}(" in found.using + found.check
    ]
    if held:
        message = f"{name}(), which decides for policies of {len(held)} tables, is replaced"
        state.report(read, "SE003", name, message, severity=Severity.WARN)


@on("alter_function_stmt")
def alter_function(state: State, read: Read) -> None:
    """ALTER FUNCTION … SECURITY DEFINER, SET, RESET."""
    name = state.qualified(words(read.node.func.objname))
    _settings(state, read, name, [option for _, option in map(unwrap, read.node.actions)], new=False)


def _settings(state: State, read: Read, name: str, options: list[Any], *, new: bool) -> None:
    if (
        new or read.kind == "create_function_stmt"
    ):  # CREATE OR REPLACE forgets the settings that it doesn't name
        state.pinned[name] = False
        state.definers.pop(name, None)
    if new and state.public_by_default:
        state.public.add(name)
    for option in options:
        kind, value = unwrap(option.arg)
        if option.defname == "security":
            definer = kind == "boolean" and value.boolval
            if definer:
                state.definers[name] = read
            else:
                state.definers.pop(name, None)
        elif option.defname == "set" and kind == "variable_set_stmt":
            _pin(state, read, name, value)
    was = any(found.name == name and found.definer for found in state.catalog.functions)
    sets = read.kind == "alter_function_stmt" and any(option.defname == "set" for option in options)
    if was and sets:
        state.definers.setdefault(name, read)


def _pin(state: State, read: Read, name: str, value: Any) -> None:
    if enum(value, "kind") in ("VAR_RESET", "VAR_RESET_ALL", "VAR_SET_DEFAULT") and value.name in (
        "search_path",
        "",
    ):
        state.pinned[name] = False
    if value.name == "search_path" and enum(value, "kind") == "VAR_SET_VALUE":
        path = [inner.sval.sval for kind, inner in map(unwrap, value.args) if kind == "a_const"]
        state.pinned[name] = "$user" not in path
        if "public" in path:
            message = f"the search_path of {name}() holds public, where others may create functions"
            state.report(read, "SE010", name, message, severity=Severity.WARN)


@at_end
def definers(state: State) -> None:
    """What a definer function looks like when the migration is done."""
    for name, read in state.definers.items():
        if not state.pinned.get(name):
            fix = f"ALTER FUNCTION {name} SET search_path = {name.partition('.')[0]}, pg_temp;"
            state.report(read, "SE010", name, f"definer function {name}() has no pinned search_path", fix=fix)
        if name in state.public:
            fix = f"REVOKE ALL ON FUNCTION {name} FROM PUBLIC;"
            state.report(read, "SE011", name, f"everybody may call definer function {name}()", fix=fix)
