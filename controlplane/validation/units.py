"""Trying one unit, a revision or an .sql file: every stage, each with what became of it."""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from controlplane.errors import CannotRun
from controlplane.objects import Fingerprint
from controlplane.validation import capture, code, roundtrip, security, seed, settle, snapshot, static
from controlplane.validation.capture import Recorder
from controlplane.validation.catalog import Catalog
from controlplane.validation.history import History, Revision
from controlplane.validation.model import (
    STAGES,
    CapturedStatement,
    Finding,
    Impact,
    Severity,
    StageResult,
    Status,
    UnitReport,
)
from controlplane.validation.policy import Policy
from controlplane.validation.sandbox import Sandbox, Scratch
from controlplane.validation.trace import Trace, Traced

WRITTEN = 5000  # offset of the values that are written between up and down


@dataclass
class Stages:
    """What becomes of a unit's stages. `wanted` are those that were asked for."""

    wanted: frozenset[str]
    results: dict[str, StageResult] = field(default_factory=dict)
    current: str = "capture"

    @contextmanager
    def run(self, name: str) -> Iterator[list[Finding]]:
        """Run a stage: it puts what it finds into the list. CannotRun fails the stage and goes on."""
        found: list[Finding] = []
        self.current, started = name, time.monotonic()
        try:
            yield found
        except CannotRun as error:
            self.results[name] = StageResult(name, Status.FAILED, _said(error), time.monotonic() - started)
            raise
        except BaseException:
            self.results.pop(name, None)  # fail() says it
            raise
        status, detail = (Status.RUN, f"{len(found)} findings") if found else (Status.PASSED, "")
        self.results[name] = StageResult(name, status, detail, time.monotonic() - started)

    def fail(self, error: CannotRun) -> None:
        """Fail the stage that was going on, unless one has failed already: that one is the cause."""
        if not any(found.status is Status.FAILED for found in self.results.values()):
            self.results[self.current] = StageResult(self.current, Status.FAILED, _said(error))

    def skip(self, name: str, why: str) -> None:
        """Say that a stage is not run, and why."""
        self.results.setdefault(name, StageResult(name, Status.NOT_RUN, why))

    def note(self, name: str, detail: str, status: Status = Status.PASSED) -> None:
        """Add to what is said of a stage that ran; `status` RUN says that it found something."""
        known = self.results.get(name)
        if known is not None:
            words = "; ".join(filter(None, [known.detail, detail]))
            status = status if known.status is Status.PASSED else known.status
            self.results[name] = StageResult(name, status, words, known.seconds)

    def wants(self, *names: str) -> bool:
        """Whether any of these stages was asked for."""
        return any(name in self.wanted for name in names)

    def all(self) -> list[StageResult]:
        """Every stage in order; what was never reached, or not asked for, is not run."""
        for name in STAGES:
            self.skip(name, "the migration did not get that far")
        return [
            found
            if found.status is Status.FAILED or found.name in self.wanted
            else StageResult(found.name, Status.NOT_RUN, "not asked for")
            for found in (self.results[name] for name in STAGES)
        ]


@dataclass
class Base:
    """The seeded database that a unit starts from, and what was seen of it."""

    scratch: Scratch
    sight: security.Sight
    faults: frozenset[code.Fault] | None
    unseeded: list[str]


@dataclass
class Unit:
    """One unit while it is tried."""

    name: str
    sandbox: Sandbox
    base: Base
    stages: Stages
    timeout: float
    policy: Policy
    lock_timeout_ms: int | None = None
    findings: list[Finding] = field(default_factory=list)
    statements: list[CapturedStatement] = field(default_factory=list)
    traced: list[Traced] = field(default_factory=list)
    round_trip: str = "not run"
    isolation: str = "not run"
    after: Catalog | None = None
    started: float = field(default_factory=time.monotonic)

    def report(self) -> UnitReport:
        """Everything that was found."""
        impacts: list[Impact] = [impact for one in self.traced for impact in one.impacts()]
        return UnitReport(
            self.name, self.findings, impacts, self.stages.all(), self.round_trip, self.isolation,
            time.monotonic() - self.started,
        )  # fmt: skip

    def forward(self, scratch: Scratch, run: Callable[[Recorder], None]) -> Trace | None:
        """Run the way up, traced; what it sends is captured. None: the server refused it."""
        self.sandbox.require_ours(scratch)
        trace = Trace(scratch, self.base.sight.catalog)
        recorder = Recorder(trace, sent=self.sandbox.sent)
        worked = True
        try:
            with self.stages.run("capture"), self.stages.run("trace"):
                try:
                    run(recorder)
                except psycopg.Error as error:
                    worked = False
                    if not any(one.error for one in trace.done):
                        hint = "it fails outside of its statements: a deferred constraint, or env.py"
                        raise CannotRun(f"{self.name}: {str(error).strip()}", hint=hint) from error
        except CannotRun:
            return None  # the stages have failed and say so
        finally:
            trace.close()
            self.statements += recorder.statements
            self.traced += [one for one in trace.done if one.error is None or not worked]
        self.stages.note("capture", f"{len(recorder.statements)} statements")
        for skipped in recorder.skipped:
            self.stages.note("trace", f"not run, it concerns the whole server: {skipped.location}")
        for problem in self.base.unseeded:
            self.stages.note("trace", f"no rows in {problem}")
        return trace if worked else None

    def read(self) -> list[Finding]:
        """What the text of all that was captured makes suspect."""
        if not self.stages.wants("static"):
            return []
        with self.stages.run("static") as found:
            found += static.read(
                self.statements, self.base.sight.catalog, self.sandbox.major, self.lock_timeout_ms
            )
        return found

    def secure(self, scratch: Scratch) -> list[Finding]:
        """What got less secure; the line on isolation too."""
        with self.stages.run("security") as found, scratch.connect() as connection:
            after = security.look(connection, self.policy, self.base.sight)
            found += security.compare(self.base.sight, after, self.statements)
            self.isolation = security.isolation(self.base.sight, after)
            self.after = after.catalog
        return found

    def check_code(self, scratch: Scratch) -> list[Finding]:
        """What plpgsql_check finds that it did not find before."""
        if self.base.faults is None:
            self.stages.skip("code", "the server has no plpgsql_check")
            return []
        with self.stages.run("code") as found, scratch.connect() as connection:
            found += code.broken(self.base.faults, code.faults(connection), self.statements)
        return found

    def conclude(self, others: Iterable[Finding], measured_security: list[Finding]) -> None:
        """Put the findings of all stages together."""
        suspicions = self.read()
        traced = self.traced if self.stages.wants("trace") else []
        settled = settle.settle(suspicions, traced, self.base.sight.catalog, self.after)
        self.findings += security.joined(settle.confirmed(settled, others), measured_security)
        found = sum(1 for one in settled if one.evidence == "measured")
        if found:
            self.stages.note("trace", f"{found} findings measured", Status.RUN)


def try_file(unit: Unit, path: Path) -> UnitReport:
    """Try an .sql file on a copy of the base."""
    scratch = unit.sandbox.clone(unit.base.scratch)
    measured: list[Finding] = []
    others: list[Finding] = []
    for name in ("history", "roundtrip", "drift"):
        unit.stages.skip(name, "a file has no revision before it and no way back")

    def run(recorder: Recorder) -> None:
        with capture.connected(scratch.url, recorder, unit.timeout) as connection:
            capture.run_file(path, connection, recorder)

    try:
        worked = unit.forward(scratch, run) is not None
        if worked and unit.stages.wants("security"):
            measured = unit.secure(scratch)
        if worked and unit.stages.wants("code"):
            others = unit.check_code(scratch)
        unit.conclude(others, measured)
    finally:
        unit.sandbox.drop(scratch)
    return unit.report()


def try_revision(unit: Unit, history: History, revision: Revision) -> tuple[UnitReport, Scratch | None]:
    """Try a revision up, down and up again. Also the database after up alone, for the next revision."""
    scratch = unit.sandbox.clone(unit.base.scratch)
    following: Scratch | None = None
    measured: list[Finding] = []
    others: list[Finding] = []
    try:
        trace = unit.forward(
            scratch, lambda recorder: history.upgrade(scratch, revision.id, recorder, unit.timeout)
        )
        if trace is not None:
            following = unit.sandbox.clone(scratch)
            if unit.stages.wants("security"):
                measured = unit.secure(scratch)
            if unit.stages.wants("code"):
                others += unit.check_code(scratch)
            if unit.stages.wants("roundtrip"):
                with suppress(CannotRun):  # the stage has failed and says so
                    others += _there_and_back(unit, history, revision, scratch, trace)
        unit.conclude(others, measured)
    finally:
        unit.sandbox.drop(scratch)
    return unit.report(), following


def _there_and_back(
    unit: Unit, history: History, revision: Revision, scratch: Scratch, trace: Trace
) -> list[Finding]:
    if revision.irreversible:
        unit.round_trip = f"irreversible: {revision.irreversible}"
        unit.stages.skip("roundtrip", unit.round_trip)
        return []
    if len(revision.parents) > 1:
        unit.round_trip = "a merge: there is no one way back"
        unit.stages.skip("roundtrip", unit.round_trip)
        return []
    if not revision.does_something("downgrade") and revision.does_something("upgrade"):
        unit.round_trip = "no downgrade"
        unit.stages.skip("roundtrip", unit.round_trip)
        return []
    with unit.stages.run("roundtrip") as found:
        found += _round_trip(unit, history, revision, scratch, trace)
    wrong = sum(1 for one in found if one.severity is not Severity.INFO)
    good = "up, down and up again: nothing differs" + (" but what the upgrade added" if found else "")
    unit.round_trip = f"{wrong} differences" if wrong else good
    return found


def _round_trip(
    unit: Unit, history: History, revision: Revision, scratch: Scratch, earlier: Trace
) -> list[Finding]:
    catalog = unit.base.sight.catalog
    columns = catalog.tenant_columns
    with unit.base.scratch.connect() as connection:
        before = roundtrip.picture(connection, catalog)
    with scratch.connect() as connection:
        first = roundtrip.fingerprint(connection)
        seed.fill(connection, columns)  # what the upgrade made is empty yet
        seed.fill(connection, columns, offset=WRITTEN, more=True)
        written = roundtrip.picture(connection, snapshot.read(connection, unit.policy))
    up = list(unit.statements)
    trace = Trace(scratch, catalog, earlier)
    recorder = Recorder(trace, sent=unit.sandbox.sent)
    try:
        history.downgrade(scratch, revision, recorder, unit.timeout)
        worked = True
    except psycopg.Error:
        worked = False
    finally:
        trace.close()
        unit.statements += recorder.statements
        unit.traced += [one for one in trace.done if one.error is None or not worked]
    if not worked:
        return []  # the trace has the error, and settle() makes a finding of it
    down = recorder.statements
    with scratch.connect() as connection:
        after = roundtrip.picture(connection, snapshot.read(connection, unit.policy))
    found = [*roundtrip.restored(before, after, up, down), *roundtrip.kept(written, after, before, up, down)]
    return found + _again(unit, history, revision, scratch, first, up)


def _again(
    unit: Unit, history: History, revision: Revision, scratch: Scratch,
    first: Fingerprint, up: list[CapturedStatement],
) -> list[Finding]:  # fmt: skip
    recorder = Recorder(sent=unit.sandbox.sent)
    try:
        history.upgrade(scratch, revision.id, recorder, unit.timeout)
    except psycopg.Error as error:
        last = recorder.statements[-1] if recorder.statements else up[-1]
        message = f"after the downgrade, the upgrade fails: {error.diag.message_primary or error}"
        return [roundtrip.found("RV004", revision.id, message, last)]
    with scratch.connect() as connection:
        return list(roundtrip.repeated(first, roundtrip.fingerprint(connection), up))


def _said(error: CannotRun) -> str:
    return "; ".join(filter(None, [error.message, error.hint]))
