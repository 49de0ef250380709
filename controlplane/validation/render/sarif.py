"""For code scanning: SARIF 2.1.0."""

import json
from pathlib import PurePath
from typing import Any
from urllib.parse import quote

from controlplane import __version__
from controlplane.validation.model import Finding, Report, Severity, Status, exit_code
from controlplane.validation.render.words import detail
from controlplane.validation.rules import RULES, Rule

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
LEVELS = {Severity.ERROR: "error", Severity.WARN: "warning", Severity.INFO: "note"}


def render(report: Report) -> str:
    """The report as one SARIF run."""
    order = {rule: number for number, rule in enumerate(RULES)}
    run = {
        "tool": {
            "driver": {
                "name": "ctl validate-migration",
                "version": __version__,
                "rules": [_rule(rule) for rule in RULES.values()],
            }
        },
        "columnKind": "utf16CodeUnits",
        "invocations": [_invocation(report)],
        "results": [_result(finding, order) for unit in report.units for finding in unit.findings],
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2) + "\n"


def _rule(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.id,
        "shortDescription": {"text": rule.title},
        "fullDescription": {"text": f"{rule.what} {rule.why}"},
        "help": {
            "text": f"{rule.what}\n\n{rule.why}\n\nThe safe way:\n\n{rule.safe}",
            "markdown": f"{rule.what}\n\n{rule.why}\n\n```sql\n{rule.safe}```\n",
        },
        "defaultConfiguration": {"level": LEVELS[rule.severity]},
        "properties": {"tags": [rule.family]},
    }


def _result(finding: Finding, order: dict[str, int]) -> dict[str, Any]:
    physical: dict[str, Any] = {"artifactLocation": _artifact(finding.location.file)}
    if finding.location.line:
        physical["region"] = {"startLine": finding.location.line}
    result: dict[str, Any] = {
        "ruleId": finding.rule,
        "ruleIndex": order[finding.rule],
        "level": LEVELS[finding.severity],
        "message": {"text": detail(finding)},
        "locations": [
            {"physicalLocation": physical, "logicalLocations": [{"fullyQualifiedName": finding.object}]}
        ],
        "partialFingerprints": {
            "finding/v1": f"{finding.rule}:{finding.object}:{finding.direction}:{finding.fingerprint}"
        },
        "properties": {"evidence": finding.evidence, "direction": finding.direction},
    }
    if finding.waiver:
        result["suppressions"] = [{"kind": "inSource", "justification": finding.waiver.reason}]
    return result


def _artifact(file: str) -> dict[str, str]:
    path = PurePath(file)
    if path.is_absolute():
        return {"uri": path.as_uri()}
    return {"uri": quote(path.as_posix()), "uriBaseId": "%SRCROOT%"}


def _invocation(report: Report) -> dict[str, Any]:
    failed = [
        {"level": "error", "message": {"text": f"{name}: {stage.name}: {stage.detail}"}}
        for name, stage in report.could_not_validate
    ]
    skipped = [
        {"level": "note", "message": {"text": f"{unit.name}: {stage.name} was not run: {stage.detail}"}}
        for unit in report.units
        for stage in unit.stages
        if stage.status is Status.NOT_RUN
    ]
    return {
        "executionSuccessful": not failed,
        "exitCode": exit_code(report),
        "toolExecutionNotifications": [*failed, *skipped],
    }
