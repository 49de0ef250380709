"""Every format says the same: SARIF and JUnit against their schemas, annotations at file and line."""

import json
import re
from dataclasses import replace
from datetime import date
from pathlib import Path
from xml.etree import ElementTree

import jsonschema
import pytest
import xmlschema

from controlplane.validation.model import (
    CapturedStatement,
    Evidence,
    Impact,
    Location,
    Report,
    Severity,
    StageResult,
    Status,
    UnitReport,
    Waiver,
    exit_code,
)
from controlplane.validation.render import FORMATS
from controlplane.validation.render.junit import printable
from controlplane.validation.rules import finding

SCHEMAS = Path(__file__).parents[1] / "schemas"
INDEX = CapturedStatement(
    "CREATE INDEX i ON shop.orders (note)", Location("versions/0002 add.py", 12), revision="0002"
)
LOST = CapturedStatement(
    "DELETE FROM shop.orders", Location("versions/0002 add.py", 20), "downgrade", revision="0002"
)
WAIVER = Waiver(
    "DL001", "shop.old", "0" * 16, "archived", "the owner", date(2027, 3, 31), Location("x.py", 3)
)


def report(**more: object) -> Report:
    """A report with something of everything, and characters that formats trip over."""
    found = [
        finding("LK018", "shop.b", "a warning: 100%, a|b\n<second> line", INDEX),
        finding(
            "LK003",
            "shop.orders",
            "writers wait",
            INDEX,
            evidence=Evidence.MEASURED,
            fix_sql="CREATE INDEX …;",
        ),
        finding("DL007", "shop.orders", "deletes every row", LOST),
        finding("RV005", "shop.orders", "a note", replace(LOST, location=Location("/tmp/x.sql"))),
        replace(finding("DL001", "shop.old", "drops shop.old", INDEX), waiver=WAIVER),
    ]
    impacts = [Impact("shop.orders", "SHARE", INDEX.location, 12.3, 2000, True, 5)]
    stages = [
        StageResult("history", Status.NOT_RUN, "no history"),
        StageResult("capture", Status.PASSED, "3 statements", 0.5),
        StageResult("static", Status.RUN, "4 findings"),
        StageResult("drift", Status.NOT_RUN, "no history"),
    ]
    units = [
        UnitReport("0002", found, impacts, stages, "schema and data restored", "held", 1.5),
        UnitReport("0003"),
    ]
    return Report(units, "16.4", **more)  # type: ignore[arg-type]


def broken() -> Report:
    stage = StageResult("trace", Status.FAILED, "not done after 60 s; allow it more: --timeout")
    return Report([UnitReport("loop.sql", stages=[stage])], "16.4")


EVERY = pytest.mark.parametrize("made", [report(), broken(), Report([UnitReport("a.sql")]), Report([])])


@EVERY
def test_sarif_is_valid(made: Report) -> None:
    schema = json.loads((SCHEMAS / "sarif-2.1.0.json").read_text())
    jsonschema.Draft4Validator(schema).validate(json.loads(FORMATS["sarif"](made)))


@EVERY
def test_junit_is_valid(made: Report, tmp_path: Path) -> None:
    path = tmp_path / "junit.xml"
    path.write_text(FORMATS["junit"](made), encoding="utf-8")
    xmlschema.XMLSchema(SCHEMAS / "junit-10.xsd").validate(path)


def test_the_schemas_refuse_what_is_wrong(tmp_path: Path) -> None:
    schema = json.loads((SCHEMAS / "sarif-2.1.0.json").read_text())
    wrong = json.loads(FORMATS["sarif"](report()))
    wrong["runs"][0]["results"][0]["level"] = "bad"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft4Validator(schema).validate(wrong)
    path = tmp_path / "junit.xml"
    path.write_text(
        FORMATS["junit"](report()).replace("<testcase ", "<case ", 1).replace("</testcase>", "</case>", 1)
    )
    with pytest.raises((xmlschema.XMLSchemaException, ElementTree.ParseError)):
        xmlschema.XMLSchema(SCHEMAS / "junit-10.xsd").validate(path)


def test_sarif_says_where_and_how_bad() -> None:
    (run,) = json.loads(FORMATS["sarif"](report()))["runs"]
    results = {result["ruleId"]: result for result in run["results"]}
    assert {rule: result["level"] for rule, result in results.items()} == {
        "LK018": "warning",
        "LK003": "error",
        "DL007": "error",
        "RV005": "note",
        "DL001": "error",
    }
    place = results["LK003"]["locations"][0]["physicalLocation"]
    assert place["artifactLocation"] == {"uri": "versions/0002%20add.py", "uriBaseId": "%SRCROOT%"}
    assert place["region"] == {"startLine": 12}
    assert results["DL001"]["suppressions"][0]["justification"] == "archived"
    assert "suppressions" not in results["LK003"]
    assert run["tool"]["driver"]["rules"][results["LK003"]["ruleIndex"]]["id"] == "LK003"
    assert json.loads(FORMATS["sarif"](broken()))["runs"][0]["invocations"][0]["executionSuccessful"] is False


def test_github_annotates_file_and_line() -> None:
    lines = FORMATS["github"](report()).splitlines()
    assert lines[0].startswith("::error file=versions/0002 add.py,line=12,title=LK003 An index is built")
    assert lines[1].startswith("::error file=versions/0002 add.py,line=20,title=DL007")
    assert lines[2].startswith("::warning file=versions/0002 add.py,line=12,title=LK018")
    assert "a warning: 100%25, a|b%0A<second> line" in lines[2]
    assert lines[3].startswith("::notice file=/tmp/x.sql,title=RV005")
    assert len(lines) == 5  # the waived one is none, and the last line is the verdict
    assert FORMATS["github"](broken()).startswith(
        "::error title=could not validate::loop.sql: trace: not done"
    )


def test_github_titles_can_not_break_out() -> None:
    odd = CapturedStatement("x", Location("a,b:c.sql", 1))
    line = FORMATS["github"](Report([UnitReport("a", [finding("DL001", "t", "m", odd)])]))
    assert line.startswith("::error file=a%2Cb%3Ac.sql,line=1,title=")


def test_junit_counts() -> None:
    root = ElementTree.fromstring(FORMATS["junit"](report(fail_on=Severity.WARN)))
    first, second = root.findall("testsuite")
    counts = {key: first.get(key) for key in ("name", "tests", "failures", "errors", "skipped")}
    assert counts == {"name": "0002", "tests": "9", "failures": "3", "errors": "0", "skipped": "3"}
    assert second.get("failures") == "0"
    assert ElementTree.fromstring(FORMATS["junit"](broken())).find("testsuite/testcase/error") is not None


def test_xml_gets_no_character_that_it_can_not_write() -> None:
    assert printable("a\x00b\x1b\ud800c\n") == "a\ufffdb\ufffd\ufffdc\n"


def test_text_begins_with_the_verdict_and_the_impact() -> None:
    text = FORMATS["text"](report())
    assert text.startswith(
        "UNSAFE: 2 errors, 1 warning, 1 note, 1 waived in 2 units (PostgreSQL 16.4)\n\n0002\n"
    )
    order = [
        "shop.orders  share",
        "error versions/0002 add.py:12: LK003",
        "instead:",
        "error versions/0002 add.py:20: DL007",
        "warn versions",
        "info /tmp",
        "waived error",
        "round trip: schema and data restored",
        "isolation:  held",
        "not run: history, drift (no history)",
    ]
    places = [text.index(words) for words in order]
    assert places == sorted(places)
    assert re.search(r"shop\.orders +share +12 +2,000 +yes +5  versions/0002 add\.py:12$", text, re.MULTILINE)


def test_a_stage_that_was_not_run_is_never_a_pass() -> None:
    for form in ("text", "markdown"):
        passed = [line for line in FORMATS[form](report()).splitlines() if "passed" in line]
        assert passed and not any("history" in line or "drift" in line for line in passed)
    cases = ElementTree.fromstring(FORMATS["junit"](report())).findall("testsuite/testcase")
    skipped = {case.get("name") for case in cases if case.find("skipped") is not None}
    assert skipped >= {"stage history", "stage drift"}


def test_json_is_the_whole_report() -> None:
    document = json.loads(FORMATS["json"](report()))
    assert (document["verdict"], document["exit_code"]) == ("unsafe", 1)
    assert document["counts"] == {"error": 2, "warn": 1, "info": 1}
    one = document["units"][0]["findings"][1]
    assert (one["rule"], one["evidence"], one["location"]) == (
        "LK003",
        "measured",
        {"file": "versions/0002 add.py", "line": 12},
    )
    assert document["units"][0]["impacts"][0]["rows_scanned"] == 2000


def test_markdown() -> None:
    text = FORMATS["markdown"](report())
    assert text.startswith("## UNSAFE: 2 errors")
    assert "| `shop.orders` | share | 2,000 | yes | 5 |" in text
    assert "a warning: 100%, a\\|b <second> line" in text


@pytest.mark.parametrize(
    ("made", "code", "verdict"),
    [
        (report(), 1, "unsafe"),
        (broken(), 3, "could not validate"),
        (Report([]), 0, "nothing to validate"),
        (Report([UnitReport("a.sql")]), 0, "safe"),
        (Report([UnitReport("a", [finding("LK018", "t", "m", INDEX)])]), 0, "safe"),
        (Report([UnitReport("a", [finding("LK018", "t", "m", INDEX)])], fail_on=Severity.WARN), 1, "unsafe"),
        (Report([*broken().units, *report().units]), 3, "could not validate"),
        (Report([*broken().units, UnitReport("a.sql")]), 3, "could not validate"),
    ],
)
def test_exit_codes(made: Report, code: int, verdict: str) -> None:
    assert (exit_code(made), made.verdict) == (code, verdict)
    assert FORMATS["text"](made).startswith(verdict.upper())
