"""Statements of processors and ad platforms: which column of a CSV file is what, and its rows for SQL.

What a value must be is for SQL to say: attribution.report_revenue(). Here a row is only found, and its sign.
"""

import csv
import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from controlplane.errors import CannotRun, CtlError
from controlplane.eventlines import BOM, LINE_LIMIT, Line, read_lines
from controlplane.ingest import DAMAGED, Source

PROCESSOR, AD_PLATFORM = "processor", "ad_platform"
FIELDS = ("id", "transaction_id", "channel", "amount", "amount_minor", "currency", "date")
FIXABLE = ("channel", "currency", "date")
Row = dict[str, str | int]


class BadStatement(CtlError):
    """A statement that cannot be taken as it is: file, line and column are named (exit code 2)."""

    exit_code = 2


@dataclass(frozen=True)
class Layout:
    """How a source writes its statement.

    `columns` leads from a field to the headers that may hold it: the first that the file has does. `optional`
    are fields that it may lack, `fixed` those that no column gives. Of `counted`, each header must hold one
    of its values, or the row moves no money. `negative` is the header and value of rows that take money back
    though their amount is positive. `names` are a platform's own names of channels. Times under the headers
    `utc` are in UTC.
    """

    kind: str
    columns: Mapping[str, tuple[str, ...]]
    optional: frozenset[str] = frozenset()
    fixed: Mapping[str, str] = field(default_factory=dict)
    counted: Mapping[str, frozenset[str]] = field(default_factory=dict)
    negative: tuple[str, str] = ("", "")
    names: Mapping[str, str] = field(default_factory=dict)
    utc: frozenset[str] = frozenset()

    def changed(self, columns: Mapping[str, str], fixed: Mapping[str, str]) -> "Layout":
        """With fields in other columns, or given outright. An amount is one in major or in minor units."""
        gone = {*fixed, *({"amount", "amount_minor"} if {"amount", "amount_minor"} & {*columns} else ())}
        kept = {name: headers for name, headers in self.columns.items() if name not in gone}
        return replace(
            self,
            columns=kept | {name: (header,) for name, header in columns.items()},
            optional=self.optional - {*columns},
            fixed={name: value for name, value in self.fixed.items() if name not in columns} | dict(fixed),
        )


PLAIN = {
    kind: Layout(
        kind, {name: (name,) for name in ("id", subject, "amount", "currency", "date")}, frozenset(optional)
    )
    for kind, subject, optional in (
        (PROCESSOR, "transaction_id", {"id", "date"}),
        (AD_PLATFORM, "channel", {"id"}),
    )
}
LAYOUTS = {
    "stripe": Layout(
        PROCESSOR,
        {
            "id": ("balance_transaction_id",),
            "transaction_id": ("payment_metadata[order_id]", "payment_intent_id"),
            "amount": ("gross",), "currency": ("currency",), "date": ("created_utc",),
        },
        counted={"reporting_category": frozenset({
            "charge", "charge_failure", "dispute", "dispute_reversal", "partial_capture_reversal", "refund",
            "refund_failure",
        })},
        utc=frozenset({"created_utc"}),
    ),
    "shopify": Layout(
        PROCESSOR,
        {
            "transaction_id": ("Name",), "amount": ("Amount",), "currency": ("Currency",),
            "date": ("Created At",),
        },
        counted={"Status": frozenset({"success"}), "Kind": frozenset({"sale", "capture", "refund"})},
        negative=("Kind", "refund"),
    ),
    "google_ads": Layout(
        AD_PLATFORM,
        {
            "channel": ("Campaign type",), "amount": ("Conv. value",), "currency": ("Currency code",),
            "date": ("Day",),
        },
        names={"Search": "google_search_paid", "Display": "google_display_paid"},
    ),
    "facebook": Layout(
        AD_PLATFORM,
        {"amount": ("Purchases conversion value",), "currency": ("Currency",), "date": ("Day",)},
        fixed={"channel": "facebook_paid"},
    ),
    "tiktok": Layout(
        AD_PLATFORM,
        {"amount": ("Total purchase value",), "currency": ("Currency",), "date": ("By Day", "Date")},
        fixed={"channel": "tiktok_paid"},
    ),
}  # fmt: skip


class Statement:
    """An open CSV file in a layout. After rows() is through, `left_out` counts the rows that move no money.

    Raises BadStatement for what is no such statement, naming line and column; CannotRun if it is damaged.
    """

    def __init__(self, source: Source, layout: Layout) -> None:
        self.name, self.layout, self.left_out = source.name, layout, Counter[str]()
        self.records = self._records(source)
        line, header = next(self.records, (1, []))
        self.header = [column.strip() for column in header]
        self.found = self._found(line)
        self.amount = "amount" if "amount" in self.found else "amount_minor"

    def rows(self) -> Iterator[Row]:
        """The rows that move money: line, key, and the fields as the file writes them."""
        layout, (sign, taken_back) = self.layout, self.layout.negative
        for line, values in self.records:
            if len(values) != len(self.header):
                raise self.bad(
                    line, f"it has {len(values)} values, the header has {len(self.header)} columns"
                )
            record = dict(zip(self.header, values, strict=True))
            if reason := self._standing_still(record):
                self.left_out[reason] += 1
                continue
            row: Row = {"line": line, "key": self._key(record, values), **layout.fixed}
            row |= {name: record[column] for name, column in self.found.items() if name != "id"}
            if sign and record[sign].strip() == taken_back:
                row[self.amount] = f"-{record[self.found[self.amount]].strip().removeprefix('-')}"
            if self.found.get("date") in layout.utc:
                row["date"] = f"{record[self.found['date']].strip()}Z"
            if "channel" in row:
                row["channel"] = layout.names.get(str(row["channel"]).strip(), row["channel"])
            yield row

    def bad(self, line: int, problem: str, detail: str = "", hint: str = "") -> BadStatement:
        """The error that names this file and a line of it."""
        return BadStatement(
            f"{self.name}, line {line}: {problem}", detail=detail or "Nothing was stored.", hint=hint
        )

    def column(self, name: str) -> str:
        """What the file calls a field of SQL's; empty where no column of it is meant."""
        return self.found.get("id" if name == "key" else name, "")

    def _found(self, line: int) -> dict[str, str]:
        """The column of each field, from the header in that line."""
        layout, header = self.layout, self.header
        found = {
            name: next((column for column in columns if column in header), "")
            for name, columns in layout.columns.items()
        }
        missing = [
            f"{name} ({' or '.join(layout.columns[name])})"
            for name, column in found.items()
            if not column and name not in layout.optional
        ]
        missing += [column for column in layout.counted if column not in header]
        twice = [column for column in {*found.values(), *layout.counted} if header.count(column) > 1]
        for what, names in (("no column for", missing), ("more than one column", twice)):
            if names:
                raise self.bad(
                    line, f"the header has {what} {', '.join(sorted(names))}",
                    f"It has: {', '.join(header) or 'nothing'}.",
                    "name a field's column with --columns FIELD=HEADER, or its value with --set FIELD=VALUE",
                )  # fmt: skip
        return {name: column for name, column in found.items() if column}

    def _standing_still(self, record: Mapping[str, str]) -> str:
        """Why a row moves no money, or nothing."""
        for column, values in self.layout.counted.items():
            if (value := record[column].strip()) not in values:
                return f"{column} {value or '(empty)'}"
        column = self.found[self.amount]
        return f"{column} (empty)" if self.layout.kind == AD_PLATFORM and not record[column].strip() else ""

    def _key(self, record: Mapping[str, str], values: list[str]) -> str:
        """What tells a row from the others; a digest, since statements hold names and addresses."""
        if column := self.found.get("id"):
            return record[column].strip()
        return hashlib.sha256(json.dumps(values).encode()).hexdigest()

    def _records(self, source: Source) -> Iterator[tuple[int, list[str]]]:
        """Line number and values of each record: the first is the header. Blank lines are none."""
        csv.field_size_limit(LINE_LIMIT)
        reader = csv.reader((self._text(line) for line in read_lines(source.chunks())), strict=True)
        while True:
            line = reader.line_num + 1
            try:
                values = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                raise self.bad(line, f"it is not CSV: {error}") from None
            except DAMAGED as error:
                raise CannotRun(f"{self.name} is damaged: {error}", hint="fetch the file again.") from None
            if any(value.strip() for value in values):
                yield line, values

    def _text(self, line: Line) -> str:
        data = line.data.removeprefix(BOM) if line.number == 1 else line.data
        if line.size > LINE_LIMIT:
            raise self.bad(line.number, f"it has {line.size} bytes, more than 1 MiB")
        if b"\0" in data:
            raise self.bad(line.number, "it holds a NUL byte")
        try:
            return data.decode() + "\n"
        except UnicodeDecodeError as error:
            raise self.bad(
                line.number, f"it is not UTF-8: byte {data[error.start]:#04x} at {error.start + 1}"
            ) from None
