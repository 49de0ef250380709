"""The roles of a server before a migration is tried, and back again: roles belong to no database."""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

ATTRIBUTES = ("super", "inherit", "createrole", "createdb", "canlogin", "replication", "bypassrls")
KEYWORDS = {"super": "SUPERUSER", "canlogin": "LOGIN"}


@dataclass(frozen=True)
class Roles:
    """Attributes and settings by role, and who is a member of whom (with options)."""

    attributes: dict[str, tuple[bool, ...]]
    settings: dict[tuple[str, str], tuple[str, ...]]
    members: frozenset[tuple[str, str, bool]]


def read(connection: psycopg.Connection[Any]) -> Roles:
    """The server's roles, but for those that it makes itself (pg_…)."""
    columns = ", ".join(f"rol{name}" for name in ATTRIBUTES)
    rows = connection.execute(
        f"SELECT rolname, {columns} FROM pg_catalog.pg_roles WHERE rolname !~ '^pg_'".encode()
    )
    settings = connection.execute(
        """
        SELECT COALESCE(r.rolname, ''), COALESCE(d.datname, ''), s.setconfig
        FROM pg_catalog.pg_db_role_setting AS s
        LEFT JOIN pg_catalog.pg_roles AS r ON r.oid = s.setrole
        LEFT JOIN pg_catalog.pg_database AS d ON d.oid = s.setdatabase
        WHERE s.setdatabase = 0
        """
    )
    members = connection.execute(
        """
        SELECT pg_catalog.pg_get_userbyid(roleid), pg_catalog.pg_get_userbyid(member), bool_or(admin_option)
        FROM pg_catalog.pg_auth_members
        GROUP BY roleid, member
        """
    )
    return Roles(
        {name: tuple(values) for name, *values in rows},
        {(role, database): tuple(values) for role, database, values in settings},
        frozenset((group, member, admin) for group, member, admin in members),
    )


def restore(connection: psycopg.Connection[Any], before: Roles, sent: Sequence[str]) -> None:
    """Make the server's roles those of `before`: drop new ones, put back attributes and memberships.

    Only roles that the SQL which was `sent` speaks of: others are somebody else's work meanwhile. Databases
    that use the new ones must be gone by now. A role that a migration dropped is created again.
    """
    text = "\n".join(sent).lower()
    now, before = _spoken_of(read(connection), text), _spoken_of(before, text)
    for name in before.attributes.keys() - now.attributes.keys():
        connection.execute(sql.SQL("CREATE ROLE {}").format(sql.Identifier(name)))
    for group, member, _ in now.members - before.members:
        _run(connection, "REVOKE {} FROM {}", group, member)
    for name in now.attributes.keys() - before.attributes.keys():
        with contextlib.suppress(psycopg.errors.DependentObjectsStillExist):  # somebody else uses it by now
            _run(connection, "DROP ROLE {}", name)
    for name, attributes in before.attributes.items():
        if now.attributes.get(name) != attributes:
            words = [
                ("" if on else "NO") + KEYWORDS.get(attribute, attribute.upper())
                for attribute, on in zip(ATTRIBUTES, attributes, strict=True)
            ]
            _run(connection, f"ALTER ROLE {{}} {' '.join(words)}", name)
    for group, member, admin in before.members - now.members:
        _run(connection, "GRANT {} TO {}" + (" WITH ADMIN OPTION" if admin else ""), group, member)
    for role, _ in now.settings.keys() - before.settings.keys():
        _run(
            connection,
            "ALTER ROLE {} RESET ALL" if role else "ALTER ROLE ALL RESET ALL",
            *filter(None, [role]),
        )


def _spoken_of(known: Roles, text: str) -> Roles:
    return Roles(
        {name: values for name, values in known.attributes.items() if name.lower() in text},
        {key: values for key, values in known.settings.items() if key[0].lower() in text},
        frozenset(item for item in known.members if item[0].lower() in text and item[1].lower() in text),
    )


def _run(connection: psycopg.Connection[Any], statement: str, *names: str) -> None:
    connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))
