"""A waiver's assert_sql: what must be true of the data. CI asks it, and ctl migrate again, under the lock."""

from typing import Any

import psycopg
from psycopg import sql

from controlplane.errors import CtlError
from controlplane.validation.model import Waiver

RECORD = """
INSERT INTO attribution.migration_waivers
    (revision, rule, object, fingerprint, reason, approver, expires_on, assert_sql)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
"""
LOCKED = """
SELECT n.nspname, c.relname
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND pg_catalog.format('%%s.%%s', n.nspname, c.relname) = ANY (%s)
"""

Cursor = psycopg.Cursor[Any]


def refusal(cursor: Cursor, waiver: Waiver) -> str:
    """Why the assertion does not hold; empty if it does, or if there is none."""
    if not waiver.assert_sql:
        return ""
    try:
        cursor.execute(waiver.assert_sql.encode())
        rows = cursor.fetchall()
    except psycopg.Error as error:
        return f"the assertion of the waiver of {waiver.rule} fails: {error.diag.message_primary or error}"
    if len(rows) == 1 and rows[0][0] is True:
        return ""
    answer = rows[0][0] if len(rows) == 1 else f"{len(rows)} rows"
    return f"the assertion of the waiver of {waiver.rule} on {waiver.object} is not true: it says {answer}"


def require(cursor: Cursor, waiver: Waiver) -> None:
    """Lock the table that a waiver is about, so that nobody writes to it any more, and ask its assertion.

    Runs in the transaction of the revision, before it. Raises CtlError where the assertion does not hold.
    """
    if not waiver.assert_sql:
        return
    names = [waiver.object, waiver.object.rpartition(".")[0]]  # a table, or a column of one
    cursor.execute(LOCKED, [names])
    for schema, table in cursor.fetchall():
        cursor.execute(
            sql.SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(sql.Identifier(schema, table))
        )
    if problem := refusal(cursor, waiver):
        raise CtlError(
            f"{waiver.location}: {problem}",
            detail=waiver.assert_sql,
            hint="the data is not what the waiver was given for: mend it, or withdraw the revision",
        )


def record(cursor: Cursor, revision: str, waiver: Waiver) -> None:
    """Write down, in the transaction of the revision, that it ran with this waiver."""
    cursor.execute(
        RECORD,
        [
            revision, waiver.rule, waiver.object, waiver.fingerprint, waiver.reason, waiver.approver,
            waiver.expires, waiver.assert_sql or None,
        ],
    )  # fmt: skip
