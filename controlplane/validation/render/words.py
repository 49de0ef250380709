"""What more than one format says."""

from collections.abc import Sequence

from controlplane.validation.model import Finding, Report, Severity, StageResult, Status
from controlplane.validation.rules import RULES

COULD_NOT = "could not validate"
STATUSES = {
    Status.FAILED: COULD_NOT,
    Status.RUN: "found something",
    Status.PASSED: "passed",
    Status.NOT_RUN: "not run",
}


def headline(report: Report) -> str:
    """The verdict in one line, such as "UNSAFE: 2 errors, 1 warning in 3 units (PostgreSQL 16.4)"."""
    if not report.units:
        return "NOTHING TO VALIDATE: no revision is newer than the base branch's"
    counted = report.counted()
    waived = sum(finding.waiver is not None for unit in report.units for finding in unit.findings)
    said = [
        plural(counted[Severity.ERROR], "error"),
        plural(counted[Severity.WARN], "warning"),
        plural(counted[Severity.INFO], "note"),
    ]
    counts = ", ".join(part for part in said if not part.startswith("0 ")) or "no findings"
    more = f", {waived} waived" if waived else ""
    server = (
        f"PostgreSQL {report.server_version}" if report.server_version else "no server: read only, not run"
    )
    return f"{report.verdict.upper()}: {counts}{more} in {plural(len(report.units), 'unit')} ({server})"


def plural(count: int, noun: str) -> str:
    """A count with its noun."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def title(finding: Finding) -> str:
    """The rule's id and title."""
    return f"{finding.rule} {RULES[finding.rule].title}"


def detail(finding: Finding) -> str:
    """What a finding is about, how it is known, the safe way, and what a waiver would have to name."""
    direction = " in the downgrade" if finding.direction == "downgrade" else ""
    lines = [f"{finding.message}{direction} ({finding.evidence})"]
    if finding.fix_sql:
        lines.append(f"{instead(finding).capitalize()}\n{finding.fix_sql}")
    if finding.waiver:
        lines.append(
            f"Waived by {finding.waiver.approver} until {finding.waiver.expires}: {finding.waiver.reason}"
        )
    elif finding.fingerprint:
        lines.append(f"A waiver names: {finding.rule}, {finding.object}, {finding.fingerprint}")
    return "\n".join(lines)


def instead(finding: Finding) -> str:
    """What introduces the safe way: for this very statement, or the rule's example."""
    generic = finding.fix_sql == RULES[finding.rule].safe.rstrip()
    return "the safe way, for example:" if generic else "instead:"


def stages(results: Sequence[StageResult]) -> list[str]:
    """What became of the stages, a line per answer, such as "not run: drift (no history)"."""
    lines = []
    for status, shown in STATUSES.items():
        said: dict[str, list[str]] = {}
        for result in results:
            if result.status is status:
                said.setdefault(result.detail, []).append(result.name)
        parts = [f"{', '.join(names)}{f' ({why})' if why else ''}" for why, names in said.items()]
        if parts:
            lines.append(f"{shown}: {', '.join(parts)}")
    return lines
