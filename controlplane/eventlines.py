"""Lines of a file as events: NDJSON or CSV, in any state of repair.

Nothing is read whole, and nothing raises for what a line holds: a line that is no event says why.
"""

import csv
import hashlib
import json
import re
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import click

LINE_LIMIT = 1 << 20  # bytes of one line, and of one CSV record
KEPT = 1 << 16  # bytes that are kept of a line that is no event
BOM = b"\xef\xbb\xbf"
NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")
PAYLOAD = "raw_payload"
FIELDS = (
    "id", "event_type", "session_id", "occurred_at", "idempotency_key", "external_event_id", "correlation_id",
    "channel", "campaign_id", "partner_id", "partner_role", "weight", "conversion_value_cents", "currency",
    "transaction_id", PAYLOAD,
)  # fmt: skip
REQUIRED = ("event_type", "session_id")
LEFT_OUT = "-"  # what a mapping calls a column that is not wanted
Mapped = Mapping[str, str]


@dataclass(slots=True)
class Line:
    """One line without its ending. `end` and `digest` (SHA-256) are of all bytes of the file up to there."""

    number: int
    data: bytes
    end: int
    digest: Any  # hashlib names the type in stubs only
    size: int  # more than len(data) where only the beginning was kept
    terminated: bool


@dataclass(slots=True)
class Event:
    """One event as JSON `text`; or `error`, what is wrong with its line, and `raw`, what it held.

    `partial`: half a line at the end of the file, whose rest may yet come.
    """

    number: int
    last: Line
    text: str = ""
    error: str = ""
    raw: Any = None
    partial: bool = False


class NoEvent(ValueError):
    """A line is no event, for the reason given."""


def read_lines(chunks: Iterable[bytes]) -> Iterator[Line]:
    r"""The lines of a file; \n, \r\n or \r ends one. Of one far beyond LINE_LIMIT the beginning is kept."""
    digest = hashlib.sha256()
    number, end, rest, head, dropped = 0, 0, b"", b"", 0

    def line(part: bytes) -> Line:
        nonlocal number, end, head, dropped
        data = part.rstrip(b"\r\n")
        ending = part[len(data) :]
        digest.update(data)
        size, number = dropped + len(data), number + 1
        made = Line(number, head or data, end + size, digest.copy(), size, bool(ending))
        digest.update(ending)
        end, head, dropped = end + size + len(ending), b"", 0
        return made

    for chunk in chunks:
        parts = (rest + chunk).splitlines(keepends=True)
        # A \r that ends the chunk may be half of \r\n.
        rest = b"" if not parts or parts[-1].endswith(b"\n") else parts.pop()
        yield from map(line, parts)
        if len(rest) > LINE_LIMIT:
            head = head or rest[:KEPT]
            digest.update(rest[:-1])
            dropped, rest = dropped + len(rest) - 1, rest[-1:]
    if rest:
        yield line(rest)


def json_events(lines: Iterable[Line], mapping: Mapped) -> Iterator[Event]:
    """The events of an NDJSON file. `mapping` leads to a field, raw_payload.NAME or `-` (left out)."""
    for line in lines:
        try:
            text = _text(line)
            if not text.strip():
                continue
            yield Event(line.number, line, _checked(text, mapping))
        except NoEvent as error:
            yield _failed(line, str(error), _kept(line.data))


def csv_events(lines: Iterable[Line], mapping: Mapped) -> Iterator[Event]:
    """The events of a CSV file with a header. A record may span lines; an empty value counts as left out.

    Raises click.UsageError, naming the columns, when the header won't do.
    """
    ahead: deque[Line] = deque()
    source = iter(lines)

    def take() -> Line | None:
        return ahead.popleft() if ahead else next(source, None)

    header: list[str] = []
    while line := take():
        if line.size <= LINE_LIMIT and not line.data.removeprefix(BOM).strip():
            continue
        record = [line]
        try:
            while _open(record):
                if (following := take()) is None:
                    raise NoEvent("a quoted value is not closed")
                record.append(following)
            fields = _fields(record)
            if not header:
                header = _header(fields, mapping)
                continue
            if len(fields) != len(header):
                raise NoEvent(f"it has {len(fields)} values, the header has {len(header)} columns")
            yield Event(line.number, record[-1], _row(header, fields, mapping))
        except NoEvent as error:
            if not header:
                raise click.UsageError(f"the CSV header cannot be read: {error}") from None
            ahead.extendleft(reversed(record[1:]))  # one line is bad, not what a stray quote runs into
            yield _failed(line, str(error), _columns(line, header, mapping))
    if not header:
        raise click.UsageError("the CSV file has no header")


def _text(line: Line) -> str:
    if line.size > LINE_LIMIT:
        raise NoEvent(f"it has {line.size} bytes, more than 1 MiB")
    data = line.data.removeprefix(BOM) if line.number == 1 else line.data
    if b"\0" in data:
        raise NoEvent("it holds a NUL byte")
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise NoEvent(f"it is not UTF-8: byte {data[error.start]:#04x} at {error.start + 1}") from None


def _checked(text: str, mapping: Mapped) -> str:
    """The JSON of one event, as PostgreSQL can take it."""
    try:
        event = json.loads(text, parse_constant=_no_constant)
        if "\\u" in text:
            json.dumps(event, ensure_ascii=False).encode()
        if not isinstance(event, dict):
            raise NoEvent("it is JSON, but no object")
        if NUL.search(text):
            raise NoEvent("a text holds a NUL (\\u0000), which PostgreSQL cannot store")
        return _renamed(event, mapping) if mapping else text
    except NoEvent:
        raise
    except json.JSONDecodeError as error:
        raise NoEvent(f"it is not JSON: {error.msg} at column {error.colno}") from None
    except UnicodeEncodeError:
        raise NoEvent("a text holds half a surrogate pair") from None
    except RecursionError:
        raise NoEvent("it is nested too deeply") from None
    except ValueError as error:
        raise NoEvent(f"it holds a number that cannot be read: {error}") from None


def _no_constant(name: str) -> None:
    raise NoEvent(f"it is not JSON: {name} is no number")


def _renamed(event: dict[str, Any], mapping: Mapped) -> str:
    renamed = {name: value for name, value in event.items() if name not in mapping}
    for name, field in mapping.items():
        if name in event:
            _put(renamed, field, event[name])
    return json.dumps(renamed, ensure_ascii=False, allow_nan=False)


def _put(event: dict[str, Any], field: str, value: Any) -> None:
    if field.startswith(f"{PAYLOAD}."):
        payload = event.setdefault(PAYLOAD, {})
        if isinstance(payload, dict):
            payload[field.removeprefix(f"{PAYLOAD}.")] = value
    elif field != LEFT_OUT:
        event[field] = value


def _open(record: list[Line]) -> bool:
    """Whether a quoted value goes on in the next line. Raises NoEvent for a record that is too long."""
    if sum(line.size for line in record) > LINE_LIMIT:
        raise NoEvent("a quoted value is not closed" if len(record) > 1 else "it has more than 1 MiB")
    return sum(line.data.count(b'"') for line in record) % 2 == 1


def _fields(record: list[Line]) -> list[str]:
    csv.field_size_limit(LINE_LIMIT)
    try:
        return next(csv.reader(["\n".join(map(_text, record))], strict=True))
    except csv.Error as error:
        raise NoEvent(f"it is not CSV: {error}") from None


def _header(columns: list[str], mapping: Mapped) -> list[str]:
    columns = [column.strip() for column in columns]
    fields = [mapping.get(column, column) for column in columns]
    unknown = [c for c, f in zip(columns, fields, strict=True) if not is_field(f)]
    twice = sorted({f for f in fields if fields.count(f) > 1 and f != LEFT_OUT})
    faults = {
        "unknown": unknown,
        "missing": [field for field in REQUIRED if field not in fields],
        "given twice": twice,
        "mapped, but not in the file": [column for column in mapping if column not in columns],
    }
    if any(faults.values()):
        said = "; ".join(f"{what}: {', '.join(names)}" for what, names in faults.items() if names)
        raise click.UsageError(
            f"the CSV header won't do. Columns {said}.\n"
            f"Rename one with --map COLUMN=FIELD, keep it with --map COLUMN={PAYLOAD}.NAME, "
            f"leave it out with --map COLUMN={LEFT_OUT}. Fields: {', '.join(FIELDS)}"
        )
    return columns


def is_field(name: str) -> bool:
    """Whether a mapping may lead there."""
    return (
        name in FIELDS
        or name == LEFT_OUT
        or (name.startswith(f"{PAYLOAD}.") and len(name) > len(PAYLOAD) + 1)
    )


def _row(header: list[str], values: list[str], mapping: Mapped) -> str:
    event: dict[str, Any] = {}
    given = {c: v for c, v in zip(header, values, strict=True) if v != ""}
    # The payload first: single values are put into it.
    for column in sorted(given, key=lambda column: mapping.get(column, column) != PAYLOAD):
        field = mapping.get(column, column)
        _put(event, field, _payload(given[column]) if field == PAYLOAD else given[column])
    return json.dumps(event, ensure_ascii=False, allow_nan=False)


def _payload(text: str) -> Any:
    try:
        return json.loads(_checked(text, {}))
    except NoEvent:
        return text  # the database says that it is no object


def _failed(line: Line, error: str, raw: Any) -> Event:
    if line.terminated:
        return Event(line.number, line, error=error, raw=raw)
    return Event(
        line.number, line, error=f"half a line at the end of the file? {error}", raw=raw, partial=True
    )


def _columns(line: Line, header: list[str], mapping: Mapped) -> Any:
    """A CSV line that can't be told apart. Where columns are unknown to the database, it can't mask them."""
    if any(field == LEFT_OUT or "." in field for field in mapping.values()):
        return {"omitted": f"{line.size} bytes", "sha256": hashlib.sha256(line.data).hexdigest()}
    values = _kept(line.data).split(",")
    named: dict[str, Any] = dict(zip(header, values, strict=False))
    further = values[len(header) :]
    return named | ({"further values": further} if further else {})


def _kept(data: bytes) -> str:
    return data[:KEPT].decode(errors="backslashreplace").replace("\0", "\\x00")
