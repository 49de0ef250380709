"""`ctl verify`: every invariant that SQL checks, and that the code installed is the code that ctl ships."""

from typing import Any, NamedTuple
from uuid import UUID

import psycopg
from psycopg import sql

from controlplane import objects, sqltext
from controlplane.calls import Row, call
from controlplane.db import queries

CODE = "function_body"  # the check of the code itself, which is Python's


class Breach(NamedTuple):
    """An invariant that does not hold: which, whose, where and how."""

    check: str
    tenant_id: UUID | None
    object: str
    detail: str


def verify(
    connection: psycopg.Connection[Any], tenant: UUID | None = None, against: str | None = None
) -> list[Breach]:
    """Every breach in the database, or among one tenant's rows; none means clean. Stores nothing.

    `against` is the chain hash of a seal that was exported earlier, in hex: a chain must still hold it.
    """
    code = altered_code(connection)
    found = connection.execute(queries()["verify"].encode(), [tenant, against])
    return code + [Breach(*row) for row in found]


def unconverted(connection: psycopg.Connection[Any], tenant: UUID | None = None) -> list[Row]:
    """What waits for an exchange rate, which is no breach: per tenant and currency the ledger lines, and the
    first and last day (UTC) of their sales."""
    tenants = [tenant] if tenant else [row["id"] for row in call(connection, "tenants")]
    return [
        {"tenant_id": each, **row}
        for each in tenants
        for row in call(connection, "unconverted", [each], tenant=each)
    ]


def altered_code(connection: psycopg.Connection[Any]) -> list[Breach]:
    """The routines whose installed body is not the shipped one: a guard made toothless is among them."""
    query = queries()["installed_bodies"].encode()
    installed = {name: (prosrc, parsed) for name, prosrc, parsed in connection.execute(query)}
    breaches = []
    for path in objects.manifest():
        for routine in (item for item in sqltext.created(objects.source(path)) if item.is_routine):
            prosrc, parsed = installed.get(routine.name, (None, None))
            if routine.name not in installed:
                breaches.append(Breach(CODE, None, routine.name, f"is missing: sql/{path}"))
            elif routine.body is None and parsed == parsed_body(connection, routine):
                continue
            elif routine.body is None or routine.body != prosrc:
                breaches.append(Breach(CODE, None, routine.name, f"is not that of sql/{path}"))
    return breaches


def parsed_body(connection: psycopg.Connection[Any], routine: sqltext.Created) -> str | None:
    """A body that is an SQL expression, as the server prints it: created under pg_temp, and rolled back."""
    name = routine.name.rpartition(".")[2]
    copy = routine.statement.replace(routine.name, f"pg_temp.{name}", 1)
    with connection.transaction(force_rollback=True):
        connection.execute(copy.encode())
        query = sql.SQL("SELECT pg_catalog.pg_get_function_sqlbody({}::regproc)")
        row = connection.execute(query.format(f"pg_temp.{name}")).fetchone()
    assert row is not None
    return row[0]  # type: ignore[no-any-return]
