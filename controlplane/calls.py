"""Calling named queries, one tenant at a time."""

from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import dict_row

from controlplane.db import queries

Row = dict[str, Any]
Connection = psycopg.Connection[Any]


def call(
    connection: Connection, query: str, parameters: Any = None, *, tenant: UUID | None = None
) -> list[Row]:
    """The rows of a named query, with a tenant in context if one is given."""
    with connection.cursor(row_factory=dict_row) as cursor:
        if tenant is None:
            return cursor.execute(queries()[query].encode(), parameters).fetchall()
        with connection.transaction():
            cursor.execute("SELECT attribution.set_tenant(%s)", [tenant])
            return cursor.execute(queries()[query].encode(), parameters).fetchall()
