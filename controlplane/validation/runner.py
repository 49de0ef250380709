"""One validation: which units there are, the databases that they start from, and the report on them."""

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from pathlib import Path
from types import FrameType

import psycopg

from controlplane import sql_check
from controlplane.errors import CannotRun
from controlplane.validation import (
    assertions,
    capture,
    code,
    reading_only,
    sandbox,
    security,
    seed,
    units,
    waivers,
)
from controlplane.validation.capture import Recorder, shown
from controlplane.validation.history import History, Revision
from controlplane.validation.model import (
    STAGES,
    CapturedStatement,
    Finding,
    Location,
    Report,
    Severity,
    UnitReport,
)
from controlplane.validation.policy import Policy
from controlplane.validation.repository import UsageProblem
from controlplane.validation.rules import finding
from controlplane.validation.sandbox import Sandbox, Scratch
from controlplane.validation.units import Base, Stages, Unit

__all__ = ["Options", "UsageProblem", "validate"]
OWN_LOCK_TIMEOUT = 10_000  # milliseconds: what ctl migrate sets


@dataclass(frozen=True)
class Options:
    """What a validation was asked for. `timeout` is in seconds, for each unit."""

    base: str | None = None
    setup: Path | None = None
    seed: Path | None = None
    database_url: str | None = None
    static_only: bool = False
    stages: tuple[str, ...] = ()
    timeout: float = 60.0
    fail_on: Severity = Severity.ERROR
    policy: Policy = field(default_factory=Policy)


class TimedOut(BaseException):
    """A unit took longer than it may. Not an Exception: no revision's own code is to catch it."""


def validate(targets: Sequence[str], options: Options) -> Report:
    """Validate files and revisions; no target means every revision that is newer than the base branch.

    Raises UsageProblem for targets that aren't there, CannotRun where nothing can be validated at all.
    """
    files, revisions, history = _resolved(targets, options)
    if options.static_only:
        reports = reading_only.read(files, revisions, history, options.policy, options.setup)
        version = ""
    else:
        with sandbox.opened(options.database_url) as box:
            run = _Run(box, options, history)
            reports = [*run.files(files), *run.revisions(revisions)]
            version = box.server_version
    modules = {revision.id: revision.file for revision in revisions}
    waived = waivers.apply(reports, modules, options.policy, date.today())
    return Report(waived, version, options.fail_on)


def _resolved(targets: Sequence[str], options: Options) -> tuple[list[Path], list[Revision], History | None]:
    files = [Path(target) for target in targets if target.endswith(".sql")]
    for path in [*files, *filter(None, [options.setup, options.seed])]:
        if not path.is_file():
            raise UsageProblem(f"there is no file {path}", hint="check the path")
    names = [target for target in targets if not target.endswith(".sql")]
    if files and not names:
        return files, [], None
    history = History()
    if not targets:
        return [], history.newer_than(options.base), history
    chosen = {revision.id for name in names for revision in history.chosen(name)}
    return files, [revision for revision in history.revisions if revision.id in chosen], history


@dataclass
class _Run:
    """One validation on one server."""

    box: Sandbox
    options: Options
    history: History | None

    def files(self, paths: Sequence[Path]) -> Iterator[UnitReport]:
        """Each file by itself, on a copy of one base."""
        if not paths:
            return
        base = self._base(self._prepare_for_files)
        for path in paths:
            with self.box.roles_kept():
                yield self._guarded(shown(path), base, partial(units.try_file, path=path))
        self.box.drop(base.scratch)

    def revisions(self, chosen: Sequence[Revision]) -> Iterator[UnitReport]:
        """Each revision on what those before it made."""
        for chain in _chains(chosen):
            # Each chain starts from nothing: what the one before it made, roles too, is gone by then.
            with self.box.roles_kept(), contextlib.closing(self.box):
                yield from self._chain(chain, is_first=chain[0] is chosen[0])

    def _chain(self, chain: Sequence[Revision], *, is_first: bool) -> Iterator[UnitReport]:
        base: Base | None = self._base(partial(self._prepare_for, chain[0]))
        for revision in chain:
            if base is None:
                yield self._unreached(revision)
                continue
            report, following = self._revision(revision, base, first=is_first and revision is chain[0])
            yield report
            self.box.drop(base.scratch)
            base = self._seen(following) if following and revision is not chain[-1] else None

    def _revision(self, revision: Revision, base: Base, *, first: bool) -> tuple[UnitReport, Scratch | None]:
        history = self.history
        assert history is not None
        following: list[Scratch | None] = [None]

        def attempt(unit: Unit) -> UnitReport:
            with unit.stages.run("history") as found:
                found += history.reversal(revision)
                found += _false_assertions(revision, base.scratch)
                found += history.edited_releases() if first else []
                unit.findings += found
            self._drift(unit, history, revision)
            report, following[0] = units.try_revision(unit, history, revision)
            return report

        return self._guarded(revision.id, base, attempt), following[0]

    def _drift(self, unit: Unit, history: History, revision: Revision) -> None:
        """Compare what is migrated with sql/, once: at the head of our own history."""
        if not history.is_own or revision != history.revisions[-1]:
            unit.stages.skip("drift", "only at the head of this project's own history")
            return
        if not unit.stages.wants("drift"):
            return
        with unit.stages.run("drift") as found:
            for drift in sql_check.check(self.box.admin_url, live=False):
                file = drift.object if drift.object.startswith("sql/") else shown(revision.file)
                statement = CapturedStatement("", Location(file, 1), revision=revision.id)
                found.append(finding("HY008", drift.object, str(drift), statement))
            unit.findings += found

    def _guarded(self, name: str, base: Base, attempt: Callable[[Unit], UnitReport]) -> UnitReport:
        """Run a unit within its time; where it can't be validated a stage fails, and the next goes on."""
        wanted = frozenset(self.options.stages or STAGES)
        lock_timeout = OWN_LOCK_TIMEOUT if self.history and self.history.is_own else None
        unit = Unit(
            name, self.box, base, Stages(wanted), self.options.timeout, self.options.policy, lock_timeout
        )
        try:
            with _deadline(self.options.timeout):
                return attempt(unit)
        except TimedOut:
            hint = "make it shorter, or allow it more: --timeout SECONDS"
            unit.stages.fail(CannotRun(f"not done after {self.options.timeout:g} s", hint=hint))
        except CannotRun as error:
            unit.stages.fail(error)
        except psycopg.OperationalError as error:
            unit.stages.fail(CannotRun(f"lost the server: {str(error).strip()}", hint="see its log"))
        self.box.wait_for_server()
        return unit.report()

    def _unreached(self, revision: Revision) -> UnitReport:
        stages = Stages(frozenset(STAGES))
        why = "the revision before it could not be applied"
        stages.fail(CannotRun(why, hint="mend that one first"))
        return UnitReport(revision.id, stages=stages.all())

    def _base(self, prepare: Callable[[Scratch], None]) -> Base:
        """A new database with setup, schema and seeds."""
        scratch = self.box.create()
        try:
            with _deadline(self.options.timeout):
                if self.options.setup:
                    self._run_file(scratch, self.options.setup)
                prepare(scratch)
                if self.options.seed:
                    self._run_file(scratch, self.options.seed)
        except TimedOut:
            raise CannotRun(
                f"what comes before is not made after {self.options.timeout:g} s",
                hint="a revision or --setup loops, or needs more: --timeout SECONDS",
            ) from None
        return self._seen(scratch)

    def _seen(self, scratch: Scratch) -> Base:
        """A base with rows in every table, and what there is to be seen of it."""
        with scratch.connect() as connection:
            unseeded = seed.fill(connection, self.options.policy.tenant_columns)
            connection.execute("ANALYZE")
            sight = security.look(connection, self.options.policy)
            faults = code.faults(connection) if code.is_available(connection) else None
        return Base(scratch, sight, faults, unseeded)

    def _prepare_for_files(self, scratch: Scratch) -> None:
        """Without --setup, files are tried on the newest schema of the history."""
        if self.options.setup:
            return
        history = self.history = self.history or History()
        history.prepare(scratch)
        history.upgrade(scratch, "head", Recorder(sent=self.box.sent), self.options.timeout)

    def _prepare_for(self, revision: Revision, scratch: Scratch) -> None:
        history = self.history
        assert history is not None
        history.prepare(scratch)
        for parent in revision.parents:
            try:
                history.upgrade(scratch, parent, Recorder(sent=self.box.sent), self.options.timeout)
            except psycopg.Error as error:
                raise CannotRun(
                    f"revision {parent}, the one before, can't be applied: {str(error).strip()}",
                    hint="start further back, or give what it needs: --setup FILE.sql",
                ) from None

    def _run_file(self, scratch: Scratch, path: Path) -> None:
        recorder = Recorder(sent=self.box.sent)
        try:
            with capture.connected(scratch.url, recorder, self.options.timeout) as connection:
                capture.run_file(path, connection, recorder)
        except psycopg.Error as error:
            place = recorder.statements[-1].location if recorder.statements else shown(path)
            message = error.diag.message_primary or str(error).strip()
            hint = error.diag.message_hint or "it must run on an empty database of its own"
            raise CannotRun(f"{place}: {message}", hint=hint) from None


def _chains(chosen: Sequence[Revision]) -> list[list[Revision]]:
    """The revisions in runs, in each of which every one follows the one before."""
    chains: list[list[Revision]] = []
    for revision in chosen:
        if chains and revision.parents == (chains[-1][-1].id,):
            chains[-1].append(revision)
        else:
            chains.append([revision])
    return chains


def _false_assertions(revision: Revision, scratch: Scratch) -> list[Finding]:
    """WV006 for each waiver whose assert_sql does not hold on the seeded data, before the revision runs."""
    with scratch.connect() as connection:
        refusals = [
            (waiver, assertions.refusal(connection.cursor(), waiver))
            for waiver in waivers.read(revision.file)[0]
        ]
    return [
        waivers.problem(refusal, waiver.location, "WV006", waiver.object)
        for waiver, refusal in refusals
        if refusal
    ]


@contextlib.contextmanager
def _deadline(seconds: float) -> Iterator[None]:
    """Raise TimedOut in the main thread after so many seconds, and again each second until it is heard."""

    def ring(_signal: int, _frame: FrameType | None) -> None:
        raise TimedOut

    if threading.current_thread() is not threading.main_thread():
        yield  # only statements are limited then: signals belong to the main thread
        return
    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds, 1)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
