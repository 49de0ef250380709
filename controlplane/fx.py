"""Exchange rates from a CSV file of dates, currencies and rates. The database checks and stores them."""

import re
from collections.abc import Mapping

import psycopg
from psycopg.types.json import Jsonb

from controlplane.calls import Connection, Row, call
from controlplane.csvfile import BadFile, records
from controlplane.errors import CtlError
from controlplane.ingest import Source

FIELDS = ("date", "currency", "rate")
ELEMENT = re.compile(r"Element (\d+)")  # as import_fx_rates() names what is wrong


def import_rates(
    connection: Connection, source: Source, mapping: Mapping[str, str], origin: str, *, correct: bool = False
) -> Row:
    """Store the rates of a file, all or none; `origin` says where they come from.

    Returns added, corrected and known (stored before with the same value), in rates. `correct` replaces a
    known rate by the file's. Raises BadFile for a mistake in the file, CtlError (RA008) for a known rate
    that differs, each with its line and column.
    """
    found = list(records(source, FIELDS, mapping))
    rates = Jsonb([record.values for record in found])
    try:
        return call(connection, "import_fx_rates", [rates, origin, correct])[0]
    except psycopg.DatabaseError as error:
        place = ELEMENT.match(error.diag.message_detail or "")
        if not place:
            raise
        line, field = found[int(place[1]) - 1].line, error.diag.column_name or ""
        column = next((name for name, aim in mapping.items() if aim == field), field)
        problem = error.diag.message_primary or ""
        if error.sqlstate == "22023":
            raise BadFile(source.name, line, column, problem, hint="nothing was stored") from None
        raise CtlError(
            f"{source.name}, line {line}, column {column}: {problem}",
            detail="Nothing was stored.",
            hint="ctl fx import --correct takes the file's rate, and the sales of those days are adjusted",
            sqlstate=error.sqlstate or "",
        ) from None
