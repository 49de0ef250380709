"""What the tests of ctl reconcile share: statements as files, a shop to compare them with, what is stored."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from engine import Connection, Rows, at, new_tenant, one, purchase, rows, send, use
from servers import Database

from controlplane.ingest import opened
from controlplane.statements import PLAIN, Statement

HEADER = "transaction_id,amount,currency,date\n"
GOOD = HEADER + "sale-1,10.00,USD,2026-03-02\n"


def sold(conn: Connection) -> str:
    """A tenant with one sale, sale-1 of 10.00 USD on 2 March 2026; returns its id."""
    tenant = new_tenant(conn)
    use(conn, tenant)
    send(conn, purchase(1, at(days=1), 1000))
    return tenant


def write(directory: Path, text: str, name: str = "statement.csv") -> str:
    """Write a file; returns its path."""
    path = directory / name
    path.write_bytes(text.encode())
    return str(path)


def volumes(db: Database) -> tuple[int, int]:
    """Rows reported, and rows verified."""
    tables = "reported_revenue", "revenue_verifications"
    with db.connect() as conn:
        reported, verified = (one(conn, f"SELECT count(*) FROM attribution.{table}") for table in tables)
    return reported, verified


def runs(db: Database) -> Rows:
    """State and error of each run, in order."""
    with db.connect() as conn:
        query = "SELECT state, last_error FROM attribution.reconciliation_runs ORDER BY started_at, id"
        return rows(conn, query)


@contextmanager
def statement(path: str) -> Iterator[Statement]:
    """A plain statement of a processor."""
    with opened(path) as source:
        yield Statement(source, PLAIN["processor"])
