"""For machines: the report as it is."""

import json
from dataclasses import asdict
from typing import Any

from controlplane.validation.model import Finding, Report, UnitReport, exit_code
from controlplane.validation.rules import RULES


def render(report: Report) -> str:
    """The report as JSON."""
    document = {
        "verdict": report.verdict,
        "exit_code": exit_code(report),
        "fail_on": report.fail_on,
        "server_version": report.server_version or None,
        "counts": report.counted(),
        "units": [_unit(unit) for unit in report.units],
    }
    return json.dumps(document, indent=2, default=str) + "\n"


def _unit(unit: UnitReport) -> dict[str, Any]:
    return asdict(unit) | {"findings": [_finding(finding) for finding in unit.findings]}


def _finding(finding: Finding) -> dict[str, Any]:
    rule = RULES[finding.rule]
    return asdict(finding) | {"family": rule.family, "title": rule.title, "why": rule.why}
