"""Import a file of events in batches. The database remembers how far it is, in each batch's transaction."""

import gzip
import hashlib
import json
import sys
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO, TextIO, cast
from uuid import UUID

import psycopg

from controlplane.db import queries
from controlplane.errors import CannotRun, CtlError
from controlplane.eventlines import KEPT, Event, Line, Mapped, csv_events, json_events, read_lines

BLOCK = 1 << 16  # bytes at a file's beginning that tell it from others of its name
CHUNK = 1 << 18
BATCH_BYTES = 4 << 20  # a batch ends here, however few its lines are
LISTED = 20  # quarantined lines that the summary names
DAMAGED = (EOFError, gzip.BadGzipFile, zlib.error)
REFUSED = (psycopg.DataError, psycopg.errors.ProgramLimitExceeded, psycopg.errors.StatementTooComplex)
UNPARSABLE = "INVALID_VALUE"  # the code that dead_events has for a line that is no event


@dataclass
class Source:
    """An open file: its first block, the rest; for a progress bar, its size and what of it was read."""

    name: str
    block: bytes
    rest: BinaryIO
    size: int | None
    tell: Callable[[], int]

    def chunks(self) -> Iterator[bytes]:
        return chain([self.block], iter(lambda: self.rest.read(CHUNK), b""))


@dataclass
class Place:
    """How far a file is imported: bytes, lines, and the SHA-256 of those bytes."""

    fingerprint: str
    position: int = 0
    lines: int = 0
    digest: str = ""


@dataclass
class Summary:
    """What one run did; `first` are the first quarantined lines."""

    source: str
    resumed_after_line: int
    lines: int = 0
    accepted: int = 0
    duplicates: int = 0
    quarantined: int = 0
    codes: Counter[str] = field(default_factory=Counter)
    first: list[dict[str, Any]] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self) | {"codes": dict(self.codes)}


@contextmanager
def opened(file: str) -> Iterator[Source]:
    """A file, or `-` for standard input, decompressed if it is gzip. Raises CannotRun for a damaged one."""
    with ExitStack() as stack:
        raw: Any = sys.stdin.buffer if file == "-" else stack.enter_context(Path(file).open("rb"))
        magic = raw.peek(2)[:2]
        stream = stack.enter_context(gzip.GzipFile(fileobj=raw)) if magic == b"\x1f\x8b" else raw
        name = "-" if file == "-" else Path(file).name
        block = b""
        try:
            while len(block) < BLOCK and (more := stream.read(BLOCK - len(block))):
                block += more
        except DAMAGED as error:
            raise damaged(name, error) from None
        on_disk = file != "-" and Path(file).is_file()
        size = Path(file).stat().st_size if on_disk else None
        yield Source(name, block, cast(BinaryIO, stream), size, raw.tell if on_disk else lambda: 0)


def damaged(name: str, error: Exception) -> CannotRun:
    """What to raise for a gzip file that ends early or cannot be decompressed."""
    return CannotRun(
        f"{name} is damaged: {error}", detail="Nothing was imported.", hint="fetch the file again"
    )


def find_place(connection: psycopg.Connection[Any], tenant: UUID, source: Source) -> Place:
    """Where an import of this file stopped, or its beginning."""
    with connection.transaction():
        connection.execute("SELECT attribution.set_tenant(%s)", [tenant])
        known = connection.execute(queries()["import_places"].encode(), [tenant, source.name]).fetchall()
    for place in (Place(*row) for row in known):  # furthest first
        if fingerprint(source.block, int(place.fingerprint.partition(":")[0])) == place.fingerprint:
            return place
    return Place(fingerprint(source.block, len(source.block)))


def fingerprint(block: bytes, size: int) -> str:
    """What tells a file from others of its name, whatever is appended to it later."""
    return f"{size}:{hashlib.sha256(block[:size]).hexdigest()}"


class Importer:
    """One run over one file. `moved` is told the bytes read, for a progress bar."""

    def __init__(
        self, connection: psycopg.Connection[Any], tenant: UUID, source: Source, *,
        rejects: Path | None = None, moved: Callable[[int], None] = lambda _: None,
    ) -> None:  # fmt: skip
        self.connection, self.tenant, self.source, self.moved = connection, tenant, source, moved
        self.place = find_place(connection, tenant, source)
        self.rejects, self.out = rejects, cast(TextIO | None, None)
        self.summary = Summary(source.name, self.place.lines)

    def run(self, form: str, mapping: Mapped, batch: int) -> Summary:
        """Import what is not yet imported. `form` is ndjson or csv; `batch` is in lines.

        Raises CannotRun, naming the line, when server or file end early; CtlError when the file was changed
        where it is imported already; click.UsageError for a CSV header that won't do.
        """
        try:
            with ExitStack() as stack:
                if self.rejects:
                    self.out = stack.enter_context(open_rejects(self.rejects, self.place.lines))
                self._import(form, mapping, batch)
        except psycopg.errors.ObjectNotInPrerequisiteState:
            raise  # the same file is being imported by somebody else
        except psycopg.OperationalError as error:
            what = "the server could not go on" if error.sqlstate else "the server went away"
            raise self._stopped(f"{what}: {str(error).strip()}", "is the server up?") from None
        except DAMAGED as error:
            raise self._stopped(f"{self.source.name} is damaged: {error}", "fetch the file again.") from None
        except KeyboardInterrupt:
            raise self._stopped("interrupted", "") from None
        return self.summary

    def _import(self, form: str, mapping: Mapped, batch: int) -> None:
        begun = self.place.position
        lines = read_lines(self.source.chunks())
        events = csv_events(lines, mapping) if form == "csv" else json_events(lines, mapping)
        waiting: list[Event] = []
        size, seen = 0, begun == 0
        for event in events:
            if event.last.end <= begun:
                seen = seen or self._is_place(event.last)
                continue
            if not seen:
                break
            waiting.append(event)
            size += len(event.text) + len(str(event.raw or ""))
            if len(waiting) >= batch or size >= BATCH_BYTES:
                self._send(waiting)
                waiting, size = [], 0
        if not seen:
            raise CtlError(
                f"{self.source.name} was changed before line {self.place.lines}, up to which it is imported",
                detail="Nothing was imported by this run.",
                hint="to import it anew, rename it; events with an idempotency key are not doubled",
            )
        if waiting:
            self._send(waiting)

    def _is_place(self, line: Line) -> bool:
        return line.end == self.place.position and line.digest.hexdigest() == self.place.digest

    def _send(self, events: list[Event]) -> None:
        """One batch, one transaction. If the database refuses it for an event's sake, by halves."""
        good = [event for event in events if not event.error]
        bad = [event for event in events if event.error]
        place = self.place
        if whole := [event.last for event in events if not event.partial]:
            last = whole[-1]
            place = Place(place.fingerprint, last.end, last.number, last.digest.hexdigest())
        try:
            with self.connection.transaction():
                verdicts = self._call(place, good, bad)
                self._reject(verdicts, good, bad)
        except REFUSED as error:
            if len(events) > 1:
                half = len(events) // 2
                self._send(events[:half])
                self._send(events[half:])
                return
            event = events[0]
            if event.error:
                raise
            event.error = error.diag.message_primary or "the database cannot read it"
            event.raw = event.text[:KEPT]
            self._send(events)
            return
        self._count(place, verdicts, good, bad)

    def _call(self, place: Place, good: list[Event], bad: list[Event]) -> list[tuple[Any, ...]]:
        unparsable = [{"line": e.number, "error": e.error, "unparsable": e.raw} for e in bad]
        values = {
            "tenant": self.tenant, "name": self.source.name, "fingerprint": place.fingerprint,
            "after": self.place.position, "position": place.position, "lines": place.lines,
            "digest": place.digest,
            "events": f"[{','.join(event.text for event in good)}]", "unparsable": json.dumps(unparsable),
        }  # fmt: skip
        return self.connection.execute(queries()["import_events"].encode(), values).fetchall()

    def _reject(self, verdicts: list[tuple[Any, ...]], good: list[Event], bad: list[Event]) -> None:
        """Written before the batch is committed, so that none is lost; the next run drops those too many."""
        if not self.out:
            return
        rejects = [(e.number, {"code": UNPARSABLE, "error": e.error, "raw": e.raw}) for e in bad]
        for number, status, code, message, dead in verdicts:
            if status == "quarantined":
                event = good[number - 1]
                kept = {"code": code, "error": message, "dead_event_id": str(dead)}
                rejects.append((event.number, kept | {"event": json.loads(event.text)}))
        for line, reject in sorted(rejects, key=lambda pair: pair[0]):
            self.out.write(json.dumps({"line": line} | reject) + "\n")
        self.out.flush()

    def _count(
        self, place: Place, verdicts: list[tuple[Any, ...]], good: list[Event], bad: list[Event]
    ) -> None:
        found = [(e.number, UNPARSABLE, e.error) for e in bad]
        found += [
            (good[n - 1].number, code, text) for n, status, code, text, _ in verdicts if status[0] == "q"
        ]
        summary = self.summary
        for line, code, error in sorted(found):
            summary.codes[code] += 1
            if len(summary.first) < LISTED:
                summary.first.append({"line": line, "code": code, "error": error})
        summary.quarantined += len(found)
        for _, status, *_ in verdicts:
            summary.accepted += status == "accepted"
            summary.duplicates += status == "duplicate"
        self.place = place
        summary.lines = place.lines - summary.resumed_after_line + sum(event.partial for event in bad)
        self.moved(self.source.tell())

    def _stopped(self, what: str, first: str) -> CannotRun:
        return CannotRun(
            f"stopped after line {self.place.lines}: {what}",
            detail=f"{self.place.lines} lines of {self.source.name} are imported.",
            hint=f"{first} The same command, run again, goes on where this one stopped.".strip(),
        )


def open_rejects(path: Path, lines: int) -> TextIO:
    """The file of rejects; of an earlier run, those up to the line where it stopped are kept."""
    kept: list[str] = []
    if lines and path.exists():
        for text in path.read_text(encoding="utf-8").splitlines():
            try:
                kept += [text] if json.loads(text)["line"] <= lines else []
            except (ValueError, KeyError, TypeError):
                continue  # half a line of a run that was killed
    out = path.open("w", encoding="utf-8")
    out.writelines(f"{text}\n" for text in kept)
    out.flush()
    return out
