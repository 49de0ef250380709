"""Static reading, security: row-level security, its policies, and views that pass by them."""

from typing import Any

from controlplane.validation.catalog import Policy
from controlplane.validation.checks import at_end, enum, on
from controlplane.validation.model import Severity
from controlplane.validation.parse import text_of, unwrap, words
from controlplane.validation.policies import isolates, isolates_text
from controlplane.validation.reading import Read
from controlplane.validation.state import State

FLAGS = {
    "AT_EnableRowSecurity": ("rls", True),
    "AT_DisableRowSecurity": ("rls", False),
    "AT_ForceRowSecurity": ("force_rls", True),
    "AT_NoForceRowSecurity": ("force_rls", False),
}
RIGHTS = {"AT_SetRelOptions", "AT_ResetRelOptions", "AT_ReplaceRelOptions"}


@on("alter_table_stmt")
def flags(state: State, read: Read) -> None:
    """ENABLE, DISABLE, FORCE and NO FORCE ROW LEVEL SECURITY; the options of a view."""
    name = state.name(read.node.relation)
    for command in (unwrap(entry)[1] for entry in read.node.cmds):
        subtype = enum(command, "subtype")
        if subtype in FLAGS:
            flag, value = FLAGS[subtype]
            before = state.catalog.relations.get(name)
            had = getattr(before, flag) if before else not state.is_new(name)
            setattr(state.table(name), flag, value)
            if value and not had:
                state.made.setdefault(name, read)  # judged by how it ends
            if had and not value:
                what = "no longer applies" if flag == "rls" else "no longer applies to the owner"
                state.report(
                    read, "SE001", name, f"row-level security of {name} {what}", fix=_protect(state, name)
                )
        elif subtype in RIGHTS and state.table(name).kind == "v":
            _view_options(state, read, name, subtype, getattr(command, "def").list.items)


def _protect(state: State, name: str, policy: bool = False) -> str:
    column = next(iter(state.catalog.tenant_columns), "tenant_id")
    made = (
        f"\nCREATE POLICY tenant_isolation ON {name}\n"
        f"  USING ({column} = nullif(current_setting('app.tenant_id', true), '')::bigint);"
    )
    return (
        f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY;\nALTER TABLE {name} FORCE ROW LEVEL SECURITY;"
        f"{made if policy else ''}"
    )


def _view_options(state: State, read: Read, name: str, subtype: str, options: Any) -> None:
    for _, option in map(unwrap, options):
        if option.defname != "security_invoker":
            continue
        invoker = subtype == "AT_SetRelOptions" and is_on(option)
        if state.table(name).security_invoker and not invoker:
            _owner_rights(state, read, name, "view")
        state.table(name).security_invoker = invoker


def is_on(option: Any) -> bool:
    """Whether a boolean option, with or without a value, is switched on."""
    kind, value = unwrap(option.arg)
    if not kind:
        return True
    text = (
        value.sval if kind == "string" else value.boolval if kind == "boolean" else getattr(value, "ival", "")
    )
    return str(text).lower() in ("true", "on", "1", "yes")


@on("create_policy_stmt")
def create_policy(state: State, read: Read) -> None:
    """CREATE POLICY."""
    node, name = read.node, state.name(read.node.table)
    using, check = _text(node.qual), _text(node.with_check)
    policy = Policy(node.cmd_name.upper() or "ALL", using, check, node.permissive)
    state.table(name).policies[node.policy_name] = policy
    state.lock(name, "ACCESS EXCLUSIVE", read)
    roles = [unwrap(role)[1] for role in node.roles]
    if not node.permissive or not state.is_tenant_table(name) or _spans(state, roles):
        return
    if open_ := _open_parts(policy, state):
        for_all = any(enum(role, "roletype") == "ROLESPEC_PUBLIC" for role in roles)
        narrow = not for_all and state.is_new(name)
        who = "everybody" if for_all else ", ".join(role.rolename for role in roles)
        message = f"policy {node.policy_name} lets {who} {open_} rows of any tenant in {name}"
        severity, fix = Severity.WARN if narrow else None, _protect(state, name, policy=True)
        state.report(read, "SE003", f"{name}.{node.policy_name}", message, severity=severity, fix=fix)


def _spans(state: State, roles: list[Any]) -> bool:
    """Whether a policy is only for roles that the project allows every tenant's rows."""
    return all(role.rolename in state.catalog.spanning_roles for role in roles)


def _text(node: Any) -> str:
    return text_of(node) if unwrap(node)[0] else ""


def _open_parts(policy: Policy, state: State) -> str:
    """What a policy lets everyone do: "see", "write", "see and write" or "" for nothing."""
    columns = state.catalog.tenant_columns
    using = policy.using and isolates_text(policy.using, columns)
    check = isolates_text(policy.check, columns) if policy.check else using
    reads = policy.command != "INSERT" and not using
    writes = policy.command not in ("SELECT", "DELETE") and not check
    return " and ".join(word for word, is_open in (("see", reads), ("write", writes)) if is_open)


@on("alter_policy_stmt")
def alter_policy(state: State, read: Read) -> None:
    """ALTER POLICY."""
    node, name = read.node, state.name(read.node.table)
    columns = state.catalog.tenant_columns
    old = state.table(name).policies.get(node.policy_name)
    using, check = _text(node.qual), _text(node.with_check)
    if old:
        state.table(name).policies[node.policy_name] = Policy(
            old.command, using or old.using, check or old.check, old.permissive
        )
    state.lock(name, "ACCESS EXCLUSIVE", read)
    if not state.is_tenant_table(name) and state.catalog.known:
        return
    if old and old.roles and old.roles <= state.catalog.spanning_roles and not node.roles:
        return
    if (
        old
        and node.roles
        and _open_parts(old, state)
        and not _spans(state, [unwrap(r)[1] for r in node.roles])
    ):
        message = f"policy {node.policy_name} of {name}, which holds no tenant, is given to others"
        state.report(read, "SE003", f"{name}.{node.policy_name}", message)
    weaker = [
        part for part in (node.qual, node.with_check) if unwrap(part)[0] and not isolates(part, columns)
    ]
    if weaker and not (old and old.permissive and not isolates_text(old.using or old.check, columns)):
        message = f"policy {node.policy_name} of {name} no longer compares the tenant: {text_of(weaker[0])}"
        fix = f"ALTER POLICY {node.policy_name} ON {name} USING (…);  -- tenant column = the session's"
        state.report(read, "SE003", f"{name}.{node.policy_name}", message, fix=fix)


@on("drop_stmt")
def drop_policy(state: State, read: Read) -> None:
    """DROP POLICY."""
    if enum(read.node, "remove_type") != "OBJECT_POLICY":
        return
    for entry in read.node.objects:
        *table, policy = words(unwrap(entry)[1].items)
        name = state.qualified(table)
        state.table(name).policies.pop(policy, None)
        before = state.catalog.relations.get(name)
        existed = policy in before.policies if before else not state.is_new(name) and not state.catalog.known
        if existed:
            state.dropped[f"policy {name} {policy}"] = read
            state.lock(name, "ACCESS EXCLUSIVE", read)


@at_end
def policies_not_made_again(state: State) -> None:
    """Each policy that was dropped must be there again, or another that holds the same."""
    for key, read in state.dropped.items():
        kind, name, policy = (*key.split(" ", 2), "", "")[:3]
        if kind != "policy" or f"{name}" in state.dropped:
            continue
        before = state.catalog.relations.get(name)
        old = before.policies.get(policy) if before else None
        now = state.table(name).policies
        alike = [new for new in now.values() if old is None or new.permissive == old.permissive]
        if policy in now and policy in [key for key, new in now.items() if new in alike]:
            continue
        target = f"{name}.{policy}"
        if not alike:
            what = "nobody sees a row" if old is None or old.permissive else "more is seen than before"
            state.report(read, "SE004", target, f"policy {policy} of {name} is gone: {what}")
        else:
            message = f"policy {policy} of {name} is gone; others remain"
            severity = Severity.WARN if old and old.permissive else None
            state.report(read, "SE004", target, message, severity=severity)


@at_end
def tenant_tables_without_isolation(state: State) -> None:
    """A table made here that has a tenant column, or one that got it here, must end isolated."""
    for name, read in state.made.items():
        if name not in state.tables or " " in name or name.startswith("pg_temp."):
            continue
        table = state.table(name)
        if not state.is_tenant_table(name):
            if table.rls and not table.policies and not state.is_new(name):
                message = f"{name} has row-level security and no policy: nobody sees a row"
                state.report(read, "SE004", name, message)
            continue
        if table.kind not in "rp":
            continue
        columns = state.catalog.tenant_columns
        held = any(not _open_parts(policy, state) for policy in table.policies.values() if policy.permissive)
        missing = [
            what
            for what, there in (
                ("ENABLE ROW LEVEL SECURITY", table.rls),
                ("FORCE ROW LEVEL SECURITY", table.force_rls),
                (f"a policy on {' or '.join(columns)}", held or bool(table.policies)),
            )
            if not there
        ]
        if missing:
            partition = f"partition {name}" in state.born
            message = f"{name} holds tenants' rows without {', '.join(missing)}"
            severity = Severity.WARN if partition else None
            state.report(
                read, "SE002", name, message, fix=_protect(state, name, policy=True), severity=severity
            )


@on("view_stmt", "create_table_as_stmt")
def view(state: State, read: Read) -> None:
    """CREATE VIEW without security_invoker, and CREATE MATERIALIZED VIEW, over isolated tables."""
    if read.kind == "view_stmt":
        name, what = state.name(read.node.view), "view"
        invoker = any(option.defname == "security_invoker" and is_on(option)
                      for _, option in map(unwrap, read.node.options))  # fmt: skip
        query = read.node.query
    elif enum(read.node, "objtype") == "OBJECT_MATVIEW":
        name, what, invoker = state.name(read.node.into.rel), "materialized view", False
        query = read.node.query
    else:
        return
    state.table(name).kind = "v" if what == "view" else "m"
    state.table(name).reads = frozenset(state.relations_in(query))
    if not invoker:
        _owner_rights(state, read, name, what)
    state.table(name).security_invoker = invoker


def isolated_under(state: State, name: str, seen: frozenset[str] = frozenset()) -> set[str]:
    """The tables with row-level security that a relation is, or reads with its owner's rights."""
    if name in seen:
        return set()
    table = state.table(name)
    if table.kind in "rp":
        return {name} if table.rls else set()
    return {found for inner in table.reads for found in isolated_under(state, inner, seen | {name})}


def _owner_rights(state: State, read: Read, name: str, what: str) -> None:
    reached = isolated_under(state, name)
    if not reached:
        return
    before = state.catalog.relations.get(name)
    same = before and not before.security_invoker and state.table(name).reads <= before.reads
    message = f"{what} {name} reads {', '.join(sorted(reached))} with its owner's rights"
    fix = f"ALTER VIEW {name} SET (security_invoker = true);" if what == "view" else ""
    state.report(read, "SE012", name, message, fix=fix, severity=Severity.WARN if same else None)
