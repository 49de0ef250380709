"""Every labelled case of tests/migration_cases: each UNSAFE one is found, no SAFE one is an error.

`given/` came with the issue, `own/` has cases of every rule. They run on given/base.sql, one call per folder.
"""

import re
from pathlib import Path

import pytest
from servers import Server

from controlplane.validation.model import Severity, Status, UnitReport
from controlplane.validation.rules import RULES
from controlplane.validation.runner import Options, validate

CASES = Path(__file__).parents[1] / "migration_cases"
EXPECT = re.compile(r"\A-- expect: (SAFE|UNSAFE) \| .+ \| (in tx|no tx)$", re.MULTILINE)
# Revisions, waivers and functions have tests of their own.
ELSEWHERE = {"HY005", "HY007", "HY008", "HY009"}


def cases(folder: str) -> list[Path]:
    return [path for path in sorted((CASES / folder).glob("*.sql")) if path.name != "base.sql"]


def is_unsafe(path: Path) -> bool:
    found = EXPECT.match(path.read_text())
    assert found, f"{path.name} has no label"
    return found[1] == "UNSAFE"


def judged(paths: list[Path], url: str | None = None) -> list[tuple[Path, UnitReport]]:
    """Cases, all judged in one call."""
    options = Options(setup=CASES / "given" / "base.sql", database_url=url)
    return list(zip(paths, validate([str(path) for path in paths], options).units, strict=True))


def faults(path: Path, unit: UnitReport) -> list[str]:
    """What is wrong with a report: the verdict, a place, a stage."""
    errors = [str(found) for found in unit.findings if found.severity is Severity.ERROR]
    lines = len(path.read_text().splitlines())
    found = [f"is UNSAFE: {is_unsafe(path)}, {errors}"] if bool(errors) != is_unsafe(path) else []
    found += [
        f"is said to be at {one.location}"
        for one in unit.findings
        if not one.location.file.endswith(path.name) or not 2 <= (one.location.line or 0) <= lines
    ]
    stages = {stage.name: stage.status for stage in unit.stages}
    if stages["capture"] is not Status.PASSED or Status.FAILED in stages.values():
        found.append(f"has stages {stages}")
    return [f"{path.name} {text}" for text in found]


@pytest.mark.servers("local")
def test_the_given_cases(server: Server) -> None:
    done = judged(cases("given"), server.admin_url)
    assert len(done) == 52
    assert [text for path, unit in done for text in faults(path, unit)] == []


@pytest.mark.parametrize("family", ["CP", "DL", "HY", "LK", "SE"])
def test_our_own_cases(family: str) -> None:
    """On an embedded server of their own, as ctl runs them without --database-url."""
    done = judged([path for path in cases("own") if path.name.startswith(family)])
    assert len(done) >= 20
    assert [text for path, unit in done for text in faults(path, unit)] == []


def test_every_rule_has_its_unsafe_case() -> None:
    named = {path.name.partition("_")[0] for path in cases("own") if is_unsafe(path)}
    errors = {rule for rule, known in RULES.items() if known.severity is Severity.ERROR}
    assert errors - named <= {rule for rule in RULES if rule.startswith(("RV", "WV"))} | ELSEWHERE
