"""Reading the ledger: its lines, an export of any size in little memory, and the newest seals."""

import csv
import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from psycopg.rows import dict_row

from controlplane.calls import Connection, Row, call
from controlplane.db import queries

FETCHED = 2000  # lines of an export that are in memory at a time
FORMS = ("csv", "ndjson")


def lines(connection: Connection, tenant: UUID, **wanted: Any) -> list[Row]:
    """Ledger lines in the order of posting. `wanted`: see export(), and `limit`, the most to return."""
    with _snapshot(connection, tenant):
        return call(connection, "ledger_lines", _values(tenant, wanted))


def export(connection: Connection, tenant: UUID, form: str, **wanted: Any) -> Iterator[tuple[int, str]]:
    """The ledger as text, piece by piece: how many lines a piece has, and the piece. One consistent snapshot.

    `form` is csv (its first piece is the header) or ndjson. `wanted`: transaction; start and end, times or
    days, a bound without a zone being the tenant's; clock, which says whether they bound the time when the
    event `occurred` (the default) or when the line was `posted`. All may be left out.
    """
    with _snapshot(connection, tenant), connection.cursor("ledger_export", row_factory=dict_row) as cursor:
        cursor.execute(queries()["ledger_lines"].encode(), _values(tenant, wanted))
        columns = [column.name for column in cursor.description or ()]
        if form == "csv":
            yield 0, _csv([columns])
        while rows := cursor.fetchmany(FETCHED):
            yield len(rows), _csv([_flat(row) for row in rows]) if form == "csv" else _ndjson(rows)


def newest_seals(connection: Connection, tenant: UUID | None = None) -> list[Row]:
    """Of one tenant or all: the newest seal's seq, chain_hash (hex) and sealed_at, and the batches since."""
    tenants = [tenant] if tenant else [row["id"] for row in call(connection, "tenants")]
    return [
        {"tenant_id": each, **row}
        for each in tenants
        for row in call(connection, "newest_seal", [each], tenant=each)
    ]


@contextmanager
def _snapshot(connection: Connection, tenant: UUID) -> Iterator[None]:
    """A transaction that only reads, with a tenant in context and in the tenant's time zone."""
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        connection.execute("SELECT attribution.set_tenant(%s)", [tenant])
        call(connection, "tenant_zone", [tenant])
        yield


def _values(tenant: UUID, wanted: Row) -> Row:
    """The parameters of ledger_lines; what is not wanted is null."""
    return {
        "tenant": tenant, "transaction": wanted.get("transaction"), "from": wanted.get("start"),
        "to": wanted.get("end"), "clock": wanted.get("clock"), "limit": wanted.get("limit"),
    }  # fmt: skip


def _flat(row: Row) -> list[Any]:
    return [json.dumps(value) if isinstance(value, dict) else value for value in row.values()]


def _csv(rows: list[list[Any]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


def _ndjson(rows: list[Row]) -> str:
    return "".join(f"{json.dumps(row, default=str, ensure_ascii=False)}\n" for row in rows)
