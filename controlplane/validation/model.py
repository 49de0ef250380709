"""What a validation finds: one model, filled by every stage and drawn by every format."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

STAGES = ("history", "capture", "static", "trace", "roundtrip", "security", "code", "drift")


class Severity(StrEnum):
    """How bad a finding is; each is at least as bad as those after it."""

    ERROR = "error"
    WARN = "warn"
    INFO = "info"

    def reaches(self, threshold: "Severity") -> bool:
        """Whether this is at least as bad as `threshold`."""
        order = list(Severity)
        return order.index(self) <= order.index(threshold)


class Evidence(StrEnum):
    """How a finding is known: seen while the statement ran, or read from its text."""

    MEASURED = "measured"
    INFERRED = "inferred"


class Status(StrEnum):
    """What became of a stage. NOT_RUN is its own answer and never drawn as a pass."""

    RUN = "run"
    PASSED = "passed"
    FAILED = "failed"
    NOT_RUN = "not run"


@dataclass(frozen=True, order=True)
class Location:
    """A place that a person can open: `file` relative to the working directory, `line` from 1."""

    file: str
    line: int | None = None

    def __str__(self) -> str:
        return self.file if self.line is None else f"{self.file}:{self.line}"


@dataclass(frozen=True)
class CapturedStatement:
    """One statement as the server gets it, and where it was written.

    `sql` is the text, without a trailing semicolon; `direction` is "upgrade" or "downgrade";
    `in_transaction` tells whether a transaction block is open around it; `revision` is None for .sql files.
    """

    sql: str
    location: Location
    direction: str = "upgrade"
    in_transaction: bool = True
    revision: str | None = None


@dataclass(frozen=True)
class Waiver:
    """A person's decision that one finding may pass. Names what it waives exactly, and ends by itself.

    `revision` is the unit that it is for, "" for any; `from_policy`: it stands in migration-policy.toml.
    """

    rule: str
    object: str
    fingerprint: str
    reason: str
    approver: str
    expires: date
    location: Location
    assert_sql: str = ""
    revision: str = ""
    from_policy: bool = False


@dataclass(frozen=True)
class Finding:
    """One thing that a migration does and should not, or should do otherwise.

    `object` is what it is about, as "schema.table" or "schema.table.column"; `statement` the SQL;
    `fingerprint` is libpg_query's of that statement (waivers name it); `fix_sql` the safe way.
    """

    rule: str
    severity: Severity
    object: str
    message: str
    location: Location
    statement: str = ""
    fingerprint: str = ""
    evidence: Evidence = Evidence.INFERRED
    fix_sql: str = ""
    revision: str | None = None
    direction: str = "upgrade"
    waiver: Waiver | None = None


@dataclass(frozen=True)
class Impact:
    """What one statement did to one relation, as measured on seeded data.

    `lock` is the strongest mode taken ("ACCESS EXCLUSIVE"); `lock_ms` how long it was held, in
    milliseconds, None where that was not measured; `rows_scanned` and `rows_lost` count rows.
    """

    object: str
    lock: str
    location: Location
    lock_ms: float | None = None
    rows_scanned: int = 0
    rewrite: bool = False
    rows_lost: int = 0
    statement: str = ""


@dataclass(frozen=True)
class StageResult:
    """What became of one stage of one unit; `detail` says why when it failed or was not run."""

    name: str
    status: Status
    detail: str = ""
    seconds: float = 0.0


@dataclass(frozen=True)
class UnitReport:
    """One revision or file. `round_trip` and `isolation` are each one line for a person to read."""

    name: str
    findings: Sequence[Finding] = ()
    impacts: Sequence[Impact] = ()
    stages: Sequence[StageResult] = ()
    round_trip: str = "not run"
    isolation: str = "not run"
    seconds: float = 0.0


@dataclass(frozen=True)
class Report:
    """Everything that one run found. `server_version` is such as "16.4", empty where no server ran."""

    units: Sequence[UnitReport]
    server_version: str = ""
    fail_on: Severity = Severity.ERROR

    def findings(self) -> Iterator[Finding]:
        """Every finding that no waiver covers, unit by unit."""
        for unit in self.units:
            yield from (finding for finding in unit.findings if finding.waiver is None)

    def counted(self) -> dict[Severity, int]:
        """How many findings of each severity no waiver covers."""
        found = [finding.severity for finding in self.findings()]
        return {severity: found.count(severity) for severity in Severity}

    @property
    def could_not_validate(self) -> list[tuple[str, StageResult]]:
        """The stages that failed, each with its unit's name."""
        return [(unit.name, stage) for unit in self.units for stage in unit.stages
                if stage.status is Status.FAILED]  # fmt: skip

    @property
    def verdict(self) -> str:
        """In words: safe, unsafe, could not validate, or nothing to validate where no unit was chosen."""
        if not self.units:
            return "nothing to validate"
        return {0: "safe", 1: "unsafe", 3: "could not validate"}[exit_code(self)]


def exit_code(report: Report) -> int:
    """0 clean, 1 findings at or above the threshold, 3 a stage failed: then what was found is not all."""
    if report.could_not_validate:
        return 3
    return int(any(finding.severity.reaches(report.fail_on) for finding in report.findings()))


def worst_first(findings: Iterable[Finding]) -> list[Finding]:
    """Findings in the order in which a person should read them: open ones, by severity, then by place."""
    order = list(Severity)

    def key(found: Finding) -> tuple[bool, int, str, int, str]:
        place = found.location
        return found.waiver is not None, order.index(found.severity), place.file, place.line or 0, found.rule

    return sorted(findings, key=key)
