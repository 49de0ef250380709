"""CSV files of a few known columns: each mistake is named with file, line and column; nothing is guessed."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import click

from controlplane.errors import CtlError
from controlplane.eventlines import BOM, LEFT_OUT, LINE_LIMIT, read_lines
from controlplane.ingest import DAMAGED, Source, damaged


class BadFile(CtlError):
    """What a file holds is not what the command takes (exit code 2)."""

    exit_code = 2

    def __init__(self, file: str, line: int, column: str, problem: str, *, hint: str = "") -> None:
        where = f"{file}, line {line}" + (f", column {column}" if column else "")
        super().__init__(f"{where}: {problem}", hint=hint)
        self.place = {"file": file, "line": line, "column": column or None}

    def as_dict(self) -> dict[str, Any]:
        return super().as_dict() | self.place


@dataclass(frozen=True, slots=True)
class Record:
    """One record: the line where it ends (from 1), and its values by field."""

    line: int
    values: dict[str, str]


def column_map(given: Sequence[str], fields: Sequence[str]) -> dict[str, str]:
    """What `--map COLUMN=FIELD` says: a column's field, or `-` for one that is left out.

    Raises click.UsageError for anything else.
    """
    mapping: dict[str, str] = {}
    for word in given:
        column, equals, field = word.rpartition("=")
        if not (equals and column and field in (*fields, LEFT_OUT)):
            raise click.UsageError(f"--map {word}: not COLUMN=FIELD with one of {', '.join(fields)}, or -")
        mapping[column] = field
    return mapping


def records(source: Source, fields: Sequence[str], mapping: Mapping[str, str]) -> Iterator[Record]:
    """The records of a CSV file whose header has every field once, under its name or the mapping's.

    Values are trimmed; empty lines are passed over. Raises BadFile for a header with other columns, and for
    what is no CSV or no UTF-8, CannotRun for a damaged gzip file.
    """
    reader = csv.reader(_text(source), strict=True)
    header: list[str] = []
    try:
        for values in reader:
            values = [value.strip() for value in values]
            if not any(values):
                continue
            if not header:
                header = _header(source.name, reader.line_num, values, fields, mapping)
            elif len(values) != len(header):
                problem = f"it has {len(values)} values, the header has {len(header)} columns"
                raise BadFile(source.name, reader.line_num, "", problem)
            else:
                named = dict(zip(header, values, strict=True))
                yield Record(reader.line_num, {field: named[field] for field in fields})
    except csv.Error as error:
        raise BadFile(source.name, reader.line_num, "", f"it is not CSV: {error}") from None
    except DAMAGED as error:
        raise damaged(source.name, error) from None
    if not header:
        raise BadFile(source.name, 1, "", "the file is empty", hint=f"its first line is {','.join(fields)}")


def _text(source: Source) -> Iterator[str]:
    for line in read_lines(source.chunks()):
        if line.size > LINE_LIMIT:
            raise BadFile(source.name, line.number, "", f"it has {line.size} bytes, more than 1 MiB")
        if b"\0" in line.data:
            raise BadFile(source.name, line.number, "", "it holds a NUL byte")
        try:
            yield (line.data.removeprefix(BOM) if line.number == 1 else line.data).decode() + "\n"
        except UnicodeDecodeError as error:
            problem = f"it is not UTF-8: byte {line.data[error.start]:#04x} at {error.start + 1}"
            raise BadFile(source.name, line.number, "", problem) from None


def _header(
    file: str, line: int, columns: list[str], fields: Sequence[str], mapping: Mapping[str, str]
) -> list[str]:
    """The field of each column, in order."""
    named = [mapping.get(column, column) for column in columns]
    hint = (
        f"the columns are {', '.join(fields)}; --map COLUMN=FIELD renames one, --map COLUMN=- leaves it out"
    )
    for column, field in zip(columns, named, strict=True):
        if field not in fields and field != LEFT_OUT:
            raise BadFile(file, line, column, "the column is not known", hint=hint)
        if field != LEFT_OUT and named.count(field) > 1:
            raise BadFile(file, line, column, f"{field} is there more than once", hint=hint)
    for column in mapping:
        if column not in columns:
            raise BadFile(file, line, column, "the column is mapped, and not in the file", hint=hint)
    for field in fields:
        if field not in named:
            raise BadFile(file, line, field, "the column is missing", hint=hint)
    return named
