"""For a comment on a pull request: Markdown."""

from controlplane.validation.model import Finding, Impact, Report, UnitReport, worst_first
from controlplane.validation.render.words import headline, stages, title


def render(report: Report) -> str:
    """The report as GitHub-flavoured Markdown."""
    return "\n\n".join([f"## {headline(report)}", *(_unit(unit) for unit in report.units)]) + "\n"


def _unit(unit: UnitReport) -> str:
    parts = [f"### `{unit.name}`"]
    if unit.impacts:
        parts.append(_impacts(list(unit.impacts)))
    parts += [_finding(finding) for finding in worst_first(unit.findings)] or ["Nothing found."]
    parts.append(f"Round trip: {unit.round_trip}  \nIsolation: {unit.isolation}")
    if unit.stages:
        parts.append("  \n".join(f"Stages {line}" for line in stages(unit.stages)))
    return "\n\n".join(parts)


def _impacts(impacts: list[Impact]) -> str:
    lines = ["| table | lock | rows scanned | rewrite | rows lost |", "|---|---|--:|---|--:|"]
    lines += [
        f"| `{_cell(impact.object)}` | {impact.lock.lower()} | {impact.rows_scanned:,} "
        f"| {'yes' if impact.rewrite else 'no'} | {impact.rows_lost:,} |"
        for impact in impacts
    ]
    return "\n".join(lines)


def _finding(finding: Finding) -> str:
    state = "waived" if finding.waiver else str(finding.severity)
    direction = ", in the downgrade" if finding.direction == "downgrade" else ""
    lines = [
        f"**{state}: {title(finding)}** at `{finding.location}` ({finding.evidence}{direction})",
        "",
        _cell(finding.message),
    ]
    if finding.waiver:
        lines += [
            "",
            f"Waived by {finding.waiver.approver} until {finding.waiver.expires}: {finding.waiver.reason}",
        ]
    elif finding.fix_sql:
        lines += ["", "```sql", finding.fix_sql, "```"]
    return "\n".join(lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
