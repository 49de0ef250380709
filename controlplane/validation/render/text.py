"""For a person: the verdict first, then per revision what it does, what is wrong and how to do it safely."""

from textwrap import indent

from controlplane.validation.model import Finding, Impact, Report, Severity, UnitReport, worst_first
from controlplane.validation.render.words import headline, instead, stages, title

NUMBERS = range(2, 6)  # the columns that are set to the right
HEADS = ("table", "lock", "held ms", "rows scanned", "rewrite", "rows lost", "at")


def render(report: Report) -> str:
    """The report as plain text."""
    return "\n\n".join([headline(report), *(_unit(unit) for unit in report.units)]) + "\n"


def _unit(unit: UnitReport) -> str:
    parts = [unit.name]
    if unit.impacts:
        parts.append(indent(_impacts(list(unit.impacts)), "  "))
    parts += [indent(_finding(finding), "  ") for finding in worst_first(unit.findings)]
    if not unit.findings:
        parts.append("  nothing found")
    parts.append(f"  round trip: {unit.round_trip}")
    parts.append(f"  isolation:  {unit.isolation}")
    if unit.stages:
        parts += [f"  {line}" for line in stages(unit.stages)]
    return "\n".join(parts)


def _impacts(impacts: list[Impact]) -> str:
    rows = [HEADS] + [
        (
            impact.object,
            impact.lock.lower(),
            "" if impact.lock_ms is None else f"{impact.lock_ms:,.0f}",
            f"{impact.rows_scanned:,}" if impact.rows_scanned else "",
            "yes" if impact.rewrite else "",
            f"{impact.rows_lost:,}" if impact.rows_lost else "",
            str(impact.location),
        )
        for impact in impacts
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADS))]
    lines = []
    for row in rows:
        cells = [cell.rjust(width) if column in NUMBERS else cell.ljust(width)
                 for column, (cell, width) in enumerate(zip(row, widths, strict=True))]  # fmt: skip
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def _finding(finding: Finding) -> str:
    waived = "waived " if finding.waiver else ""
    direction = ", in the downgrade" if finding.direction == "downgrade" else ""
    lines = [
        f"{waived}{finding.severity} {finding.location}: {title(finding)} ({finding.evidence}{direction})",
        f"  {finding.message}",
    ]
    if finding.waiver:
        lines.append(f"  {finding.waiver.approver}, until {finding.waiver.expires}: {finding.waiver.reason}")
        return "\n".join(lines)
    if finding.severity is Severity.INFO:
        return "\n".join(lines)
    if finding.fix_sql:
        lines.append(f"  {instead(finding)}")
        lines.append(indent(finding.fix_sql, "    "))
    if finding.fingerprint:
        lines.append(f"  a waiver names: {finding.object}, {finding.fingerprint}")
    return "\n".join(lines)
