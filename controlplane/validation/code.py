"""Functions that fail when they are called: plpgsql_check, where the server has it."""

from collections.abc import Sequence
from typing import Any

import psycopg

from controlplane.db import queries
from controlplane.validation.model import CapturedStatement, Evidence, Finding
from controlplane.validation.rules import finding
from controlplane.validation.sandbox import SCHEMA
from controlplane.validation.security import blamed

Fault = tuple[str, int | None, str]


def is_available(connection: psycopg.Connection[Any]) -> bool:
    """Whether the server could install plpgsql_check."""
    query = "SELECT FROM pg_catalog.pg_available_extensions WHERE name = 'plpgsql_check'"
    return connection.execute(query).rowcount > 0


def faults(connection: psycopg.Connection[Any]) -> frozenset[Fault]:
    """Every error that plpgsql_check finds: the function, the line in its body, the message.

    The extension is there only for the time of the question, in a schema of ours.
    """
    found: set[Fault] = set()
    with connection.transaction(force_rollback=True):
        connection.execute(f"CREATE EXTENSION IF NOT EXISTS plpgsql_check SCHEMA {SCHEMA}")
        connection.execute(f"SET LOCAL search_path = pg_catalog, {SCHEMA}")
        for name, line, _, message in connection.execute(queries()["checked_functions"].encode()):
            found.add((name, line, message))
    return frozenset(found)


def broken(
    before: frozenset[Fault], after: frozenset[Fault], statements: Sequence[CapturedStatement]
) -> list[Finding]:
    """HY007 for each function that the migration broke, or brought along broken."""
    known = {(name, message) for name, _, message in before}
    return [
        finding(
            "HY007", name, f"{name}, line {line or '?'}: {message}", blamed(statements, name),
            evidence=Evidence.MEASURED,
        )
        for name, line, message in sorted(after, key=str)
        if (name, message) not in known
    ]  # fmt: skip
