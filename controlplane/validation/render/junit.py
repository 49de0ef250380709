"""For CI servers: JUnit XML. A unit is a suite; each finding that fails and each stage is a test case."""

from xml.etree import ElementTree

from controlplane.validation.model import Finding, Report, StageResult, Status, UnitReport, worst_first
from controlplane.validation.render.words import COULD_NOT, detail, title


def render(report: Report) -> str:
    """The report as JUnit XML."""
    root = ElementTree.Element("testsuites", name="ctl validate-migration")
    for unit in report.units:
        root.append(_suite(unit, report))
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _suite(unit: UnitReport, report: Report) -> ElementTree.Element:
    cases = [_stage(result, unit) for result in unit.stages]
    cases += [_finding(finding, unit, report) for finding in worst_first(unit.findings)]
    cases = cases or [ElementTree.Element("testcase", name="nothing found", classname=unit.name, time="0")]
    counted = {
        kind: sum(case.find(kind) is not None for case in cases) for kind in ("failure", "error", "skipped")
    }
    suite = ElementTree.Element(
        "testsuite",
        name=unit.name,
        tests=str(len(cases)),
        failures=str(counted["failure"]),
        errors=str(counted["error"]),
        skipped=str(counted["skipped"]),
        time=f"{unit.seconds:.3f}",
    )
    suite.extend(cases)
    return suite


def _stage(result: StageResult, unit: UnitReport) -> ElementTree.Element:
    case = ElementTree.Element(
        "testcase", name=f"stage {result.name}", classname=unit.name, time=f"{result.seconds:.3f}"
    )
    if result.status is Status.NOT_RUN:
        ElementTree.SubElement(case, "skipped", message=printable(result.detail or "not run"))
    elif result.status is Status.FAILED:
        ElementTree.SubElement(case, "error", type=COULD_NOT, message=printable(result.detail or COULD_NOT))
    return case


def _finding(finding: Finding, unit: UnitReport, report: Report) -> ElementTree.Element:
    name = printable(f"{title(finding)}: {finding.object} at {finding.location}")
    case = ElementTree.Element("testcase", name=name, classname=unit.name, time="0")
    if finding.waiver:
        ElementTree.SubElement(case, "skipped", message=printable(f"waived: {finding.waiver.reason}"))
    elif finding.severity.reaches(report.fail_on):
        failure = ElementTree.SubElement(
            case, "failure", type=finding.rule, message=printable(finding.message)
        )
        failure.text = printable(f"{finding.location}: {detail(finding)}")
    else:
        ElementTree.SubElement(case, "system-out").text = printable(f"{finding.severity}: {detail(finding)}")
    return case


def printable(text: str) -> str:
    """Text without the characters that XML has no way to write."""
    return "".join(
        char if char in "\t\n\r" or " " <= char <= "\ud7ff" or char >= "\ue000" else "\ufffd" for char in text
    )
