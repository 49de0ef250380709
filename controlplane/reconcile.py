"""Reconcile a statement: hand its rows to SQL, which checks and compares them, and read what it found."""

import json
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from itertools import islice
from uuid import UUID

import psycopg

from controlplane.calls import Connection, Row, call
from controlplane.errors import CtlError
from controlplane.statements import PROCESSOR, BadStatement, Statement

CHUNK = 5000  # rows of one call
ROW_PROBLEM = re.compile(r"line (\d+), column (\w+): ")


@dataclass
class Outcome:
    """What one run found: the run, the rows left out by reason, and its differences or a platform's claims.

    Amounts are integers of the currency's minor unit.
    """

    run: Row
    left_out: dict[str, int]
    differences: list[Row] = field(default_factory=list)
    claims: list[Row] = field(default_factory=list)

    def as_dict(self) -> Row:
        return {**self.run, "left_out": self.left_out, "differences": self.differences, "claims": self.claims}


def reconcile(
    connection: Connection, tenant: UUID, statement: Statement, *, source: str, first: date | None = None,
    last: date | None = None, partial: bool = False, moved: Callable[[], None] = lambda: None,
) -> Outcome:  # fmt: skip
    """Compare a statement with the ledger, over an autocommit connection: all of it is stored, or nothing.

    `first` and `last` are the days compared, in the tenant's zone; None: those of the statement. `partial`:
    what the statement lacks is no difference. `moved` is called after each chunk. The run is visible from the
    beginning; whatever goes wrong ends it in state error.

    Raises BadStatement, naming file, line and column, for a row that won't do, and psycopg.Error.
    """
    new = {
        "tenant": tenant, "source": source, "kind": statement.layout.kind, "file": statement.name,
        "first": first, "last": last,
    }  # fmt: skip
    try:
        keys = {"tenant": tenant, "run": call(connection, "open_reconciliation", new)[0]["run"]}
    except psycopg.errors.InvalidParameterValue as error:
        raise in_the_file(error, statement) from None
    call(connection, "start_reconciliation", keys)
    try:
        with connection.transaction():
            rows = statement.rows()
            while chunk := list(islice(rows, CHUNK)):
                call(connection, "report_revenue", {**keys, "rows": json.dumps(chunk)})
                moved()
            run = call(connection, "compare_revenue", {**keys, "partial": partial})[0]
    except BaseException as error:
        failure = in_the_file(error, statement)
        with suppress(psycopg.Error):  # the server is gone: the next run of this source says so
            call(connection, "fail_reconciliation", {**keys, "error": said(failure)})
        if failure is error:
            raise
        raise failure from None
    outcome = Outcome(run, dict(sorted(statement.left_out.items())))
    if statement.layout.kind == PROCESSOR:
        outcome.differences = numbers(call(connection, "reconciliation_differences", keys, tenant=tenant))
    else:
        outcome.claims = numbers(call(connection, "platform_overclaim", keys, tenant=tenant))
    return outcome


def in_the_file(error: BaseException, statement: Statement) -> BaseException:
    """SQL's error about a row in the words of the file: its name, and its name of the column."""
    if not isinstance(error, psycopg.errors.InvalidParameterValue):
        return error

    def named(text: str) -> str:
        return ROW_PROBLEM.sub(lambda found: place(found[1], statement.column(found[2])), text)

    diagnosis = error.diag
    message = named(diagnosis.message_primary or "")
    return BadStatement(
        f"{statement.name}, {message}" if message.startswith("line ") else message,
        detail=named(diagnosis.message_detail or ""),
        hint=diagnosis.message_hint or "", sqlstate=error.sqlstate or "",
    )  # fmt: skip


def place(line: str, column: str) -> str:
    return f"line {line}, column {column}: " if column else f"line {line}: "


def said(error: BaseException) -> str:
    if isinstance(error, CtlError):
        return error.message
    return str(error).strip() or type(error).__name__


def numbers(rows: list[Row]) -> list[Row]:
    """Amounts as integers: SQL's sums are numeric, which JSON would round or quote."""
    return [
        {
            name: int(value) if name.endswith("_cents") and value is not None else value
            for name, value in row.items()
        }
        for row in rows
    ]
