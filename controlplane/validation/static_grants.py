"""Static reading, security: who is granted what, roles that pass by policies, owners."""

from typing import Any

from controlplane.validation.checks import enum, on
from controlplane.validation.model import Severity
from controlplane.validation.parse import unwrap, words
from controlplane.validation.reading import Read
from controlplane.validation.state import State
from controlplane.validation.static_isolation import is_on, isolated_under

POWERFUL = {
    "superuser": "SUPERUSER", "bypassrls": "BYPASSRLS", "isreplication": "REPLICATION",
    "createrole": "CREATEROLE",
}  # fmt: skip
SERVER_ROLES = {
    "pg_read_all_data", "pg_write_all_data", "pg_execute_server_program", "pg_read_server_files",
    "pg_write_server_files", "pg_database_owner", "pg_maintain", "postgres",
}  # fmt: skip
BEYOND_ROWS = {"truncate", "trigger", "maintain"}


@on("grant_stmt")
def grant(state: State, read: Read) -> None:
    """GRANT and REVOKE on objects."""
    node = read.node
    kind = enum(node, "objtype")
    names = _objects(state, node, kind)
    grantees = [unwrap(role)[1] for role in node.grantees]
    public = any(enum(role, "roletype") == "ROLESPEC_PUBLIC" for role in grantees)
    if not node.is_grant:
        _revoke(state, read, kind, names, public)
        return
    if kind in ("OBJECT_FUNCTION", "OBJECT_PROCEDURE", "OBJECT_ROUTINE") and public:
        state.public.update(names)
    if public:
        tenants = [name for name in names if kind == "OBJECT_TABLE" and _holds_tenants(state, name)]
        rule, target = ("SE007", tenants[0]) if tenants else ("SE008", names[0] if names else "?")
        state.report(read, rule, target, f"everybody is granted {_rights(node)} on {', '.join(names)}")
    if kind == "OBJECT_SCHEMA":
        _schema(state, read, names, public)
    if kind != "OBJECT_TABLE":
        return
    who = ", ".join(role.rolename or "PUBLIC" for role in grantees)
    rights = {unwrap(right)[1].priv_name for right in node.privileges}
    if not rights or rights & BEYOND_ROWS or node.grant_option:
        more = (
            "the right to grant it on" if node.grant_option else f"{_rights(node)}, which is more than rows,"
        )
        fix = f"GRANT SELECT, INSERT ON {names[0] if names else '…'} TO {who};"
        state.report(
            read,
            "SE014",
            names[0] if names else "?",
            f"{who} is granted {more} on {', '.join(names)}",
            fix=fix,
        )
    for name in names:
        bare = state.is_tenant_table(name) and state.table(name).kind in "rp" and not state.table(name).rls
        if bare and name not in state.made:  # one made here is judged by how it ends
            message = f"{who} is granted {name}, which holds every tenant's rows unisolated"
            state.report(read, "SE002", name, message)


def _schema(state: State, read: Read, names: list[str], public: bool) -> None:
    """CREATE on a schema: whoever has it may put functions where others look for theirs."""
    rights = {unwrap(right)[1].priv_name for right in read.node.privileges}
    for name in names:
        if not public and (not rights or "create" in rights) and not state.is_new(name, "schema "):
            called = any(function.name.startswith(f"{name}.") for function in state.catalog.functions)
            severity = None if called else Severity.WARN  # nobody calls what is in an empty schema
            state.report(read, "SE014", name, f"CREATE on schema {name} is granted", severity=severity)


def _objects(state: State, node: Any, kind: str) -> list[str]:
    whole_schema = enum(node, "targtype") == "ACL_TARGET_ALL_IN_SCHEMA"
    names = []
    for entry in node.objects:
        inner_kind, inner = unwrap(entry)
        if whole_schema:
            inside = [name for name in (*state.catalog.relations, *state.made)
                      if name.startswith(f"{inner.sval}.") and " " not in name]  # fmt: skip
            names += inside or [f"{inner.sval}.*"]
        elif inner_kind == "range_var":
            names.append(state.name(inner))
        elif inner_kind == "object_with_args":
            names.append(state.qualified(words(inner.objname)))
        else:
            names.append(getattr(inner, "sval", "") or ".".join(words(getattr(inner, "items", []))))
    if whole_schema and kind == "OBJECT_TABLE":
        return [name for name in names if name.endswith(".*") or state.table(name).kind in "rpvm"]
    return names


def _rights(node: Any) -> str:
    return ", ".join(unwrap(right)[1].priv_name.upper() for right in node.privileges) or "ALL"


def _holds_tenants(state: State, name: str) -> bool:
    return state.is_tenant_table(name) or bool(isolated_under(state, name))


def _revoke(state: State, read: Read, kind: str, names: list[str], public: bool) -> None:
    if kind in ("OBJECT_FUNCTION", "OBJECT_PROCEDURE", "OBJECT_ROUTINE") and public:
        for name in names:
            schema = name.removesuffix("*")
            state.public -= {found for found in state.public if found == name or (name.endswith(".*")
                             and found.startswith(schema))}  # fmt: skip
    if kind == "OBJECT_TABLE" and not public:
        for name in names:
            if not state.is_new(name) and read.statement.direction == "upgrade":
                state.report(read, "CP014", name, f"revokes {_rights(read.node)} on {name}")


@on("alter_default_privileges_stmt")
def default_privileges(state: State, read: Read) -> None:
    """ALTER DEFAULT PRIVILEGES."""
    action = read.node.action
    roles = [unwrap(role)[1] for role in action.grantees]
    public = any(enum(role, "roletype") == "ROLESPEC_PUBLIC" for role in roles)
    kind = enum(action, "objtype")
    if not action.is_grant:
        if public and kind in ("OBJECT_FUNCTION", "OBJECT_ROUTINE"):
            state.public_by_default = False
        return
    who = "everybody" if public else ", ".join(role.rolename for role in roles)
    too_much = kind == "OBJECT_TABLE" and not len(action.privileges)
    rights = {unwrap(right)[1].priv_name for right in action.privileges}
    if public or too_much or (kind == "OBJECT_TABLE" and rights & BEYOND_ROWS):
        what = kind.removeprefix("OBJECT_").lower()
        state.report(
            read, "SE009", f"future {what}s", f"{who} is granted {_rights(action)} on every future {what}"
        )


@on("grant_role_stmt")
def grant_role(state: State, read: Read) -> None:
    """GRANT of a role to a role."""
    node = read.node
    if not node.is_grant:
        return
    given = [unwrap(role)[1].priv_name for role in node.granted_roles]
    who = ", ".join(unwrap(role)[1].rolename or "PUBLIC" for role in node.grantee_roles)
    for role in given:
        if role in SERVER_ROLES or any(
            enum(unwrap(r)[1], "roletype") == "ROLESPEC_PUBLIC" for r in node.grantee_roles
        ):
            state.report(read, "SE014", role, f"{who} becomes a member of {role}")
    if any(unwrap(option)[1].defname == "admin" and is_on(unwrap(option)[1]) for option in node.opt):
        state.report(
            read, "SE014", ", ".join(given), f"{who} may pass on {', '.join(given)}", severity=Severity.WARN
        )


@on("create_role_stmt", "alter_role_stmt")
def role(state: State, read: Read) -> None:
    """CREATE ROLE and ALTER ROLE with what passes by policies."""
    name = read.node.role if read.kind == "create_role_stmt" else read.node.role.rolename
    for _, option in map(unwrap, read.node.options):
        if option.defname in POWERFUL and is_on(option):
            state.report(read, "SE013", name, f"role {name} gets {POWERFUL[option.defname]}")


@on("alter_table_stmt")
def table_owner(state: State, read: Read) -> None:
    """ALTER TABLE … OWNER TO."""
    name = state.name(read.node.relation)
    for command in (unwrap(entry)[1] for entry in read.node.cmds):
        if enum(command, "subtype") == "AT_ChangeOwner":
            new = command.newowner.rolename or "the session's role"
            _owner(state, read, name, new, new=state.is_new(name), weighty=_holds_tenants(state, name))


@on("alter_owner_stmt")
def object_owner(state: State, read: Read) -> None:
    """OWNER TO of anything else: a definer function runs with its owner's rights."""
    kind, inner = unwrap(read.node.object)
    new = read.node.newowner.rolename or "the session's role"
    if kind == "object_with_args":
        name = state.qualified(words(inner.objname))
        known = [found for found in state.catalog.functions if found.name == name]
        weighty = name in state.definers or any(found.definer for found in known)
        _owner(state, read, name, new, new=not known and state.catalog.known, weighty=weighty)
    elif kind == "string":
        _owner(state, read, inner.sval, new, new=state.is_new(inner.sval, "schema "), weighty=False)
    elif kind in ("list", "type_name"):
        name = state.qualified(words(inner.items if kind == "list" else inner.names))
        made = state.is_new(name, "type ") or state.is_new(name)
        _owner(state, read, name, new, new=made, weighty=False)


def _owner(state: State, read: Read, name: str, owner: str, *, new: bool, weighty: bool) -> None:
    if not new and not state.is_new(name, "function "):
        severity = None if weighty else Severity.WARN
        state.report(read, "SE015", name, f"{name} belongs to {owner} from now on", severity=severity)


@on("reassign_owned_stmt")
def reassign(state: State, read: Read) -> None:
    """REASSIGN OWNED."""
    names = ", ".join(unwrap(role)[1].rolename for role in read.node.roles)
    new = read.node.newrole.rolename
    state.report(
        read, "SE015", names, f"everything of {names} belongs to {new} from now on", severity=Severity.WARN
    )
