"""Waivers: what they must say, whom they cover, and that a useless one is itself an error."""

from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from controlplane.errors import CannotRun
from controlplane.validation import policy, waivers
from controlplane.validation.model import (
    CapturedStatement,
    Finding,
    Location,
    Report,
    UnitReport,
    exit_code,
)
from controlplane.validation.policy import Policy
from controlplane.validation.rules import RULES, finding

TODAY = date(2027, 1, 1)
DROP = CapturedStatement("DROP TABLE shop.old", Location("0002.py", 7), revision="0002")
FOUND = finding("DL001", "shop.old", "drops table shop.old", DROP)
GOOD = {
    "rule": "DL001",
    "object": "shop.old",
    "fingerprint": FOUND.fingerprint,
    "reason": "archived",
    "approver": "the owner",
    "expires": "2027-03-31",
}
Judge = Callable[..., list[Finding]]


@pytest.fixture
def judge(tmp_path: Path) -> Judge:
    """The findings of a unit whose revision has this text, after waivers."""

    def run(text: str, *found: Finding, shared: Policy = Policy(), name: str = "0002") -> list[Finding]:  # noqa: B008
        revision = tmp_path / "0002.py"
        revision.write_text(text)
        units = waivers.apply([UnitReport("0002", found)], {name: revision}, shared, TODAY)
        return [one for unit in units for one in unit.findings]

    return run


def listed(*entries: dict[str, Any]) -> str:
    return f'"""A revision."""\n\nrevision = "0002"\nWAIVERS = {list(entries)!r}\n'


def open_ones(found: Sequence[Finding]) -> list[str]:
    return [one.rule for one in found if one.waiver is None]


def test_a_waiver_covers_its_finding(judge: Judge) -> None:
    (one,) = judge(listed(GOOD), FOUND)
    assert one.waiver is not None
    assert (one.waiver.reason, one.waiver.expires) == ("archived", date(2027, 3, 31))
    assert exit_code(Report([UnitReport("0002", [one])])) == 0
    assert exit_code(Report([UnitReport("0002", [FOUND])])) == 1


@pytest.mark.parametrize("key", ["rule", "object", "fingerprint"])
def test_a_waiver_of_something_else_covers_nothing(judge: Judge, key: str) -> None:
    other = {"rule": "DL002", "object": "shop.new", "fingerprint": "0" * 16}
    assert open_ones(judge(listed(GOOD | {key: other[key]}), FOUND)) == ["DL001", "WV002"]


def test_each_waiver_must_be_of_use(judge: Judge) -> None:
    assert open_ones(judge(listed(GOOD))) == ["WV002"]
    assert open_ones(judge(listed(GOOD, GOOD | {"reason": "twice"}), FOUND)) == ["WV002"]


def test_a_waiver_ends(judge: Judge) -> None:
    assert open_ones(judge(listed(GOOD | {"expires": "2026-12-31"}), FOUND)) == ["DL001", "WV003"]
    assert open_ones(judge(listed(GOOD | {"expires": "2027-01-01"}), FOUND)) == []


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"rule": "DL999"}, "WV001"),
        ({"reason": " "}, "WV004"),
        ({"approver": ""}, "WV004"),
        ({"approver": None}, "WV004"),
        ({"expires": "soon"}, "WV004"),
        ({"expires": 20270331}, "WV004"),
        ({"expired": "2027-03-31"}, "WV004"),
        ({"assert_sql": ""}, "WV004"),
        ({"rule": "SE001"}, "WV005"),
        ({"rule": "SE005"}, "WV005"),
        ({"rule": "SE007"}, "WV005"),
        ({"rule": "SE013"}, "WV005"),
        ({"rule": "WV002"}, "WV005"),
    ],
)
def test_what_is_wrong_with_a_waiver(judge: Judge, change: dict[str, Any], rule: str) -> None:
    assert open_ones(judge(listed(GOOD | change), FOUND)) == ["DL001", rule]


@pytest.mark.parametrize("key", sorted(GOOD))
def test_nothing_may_be_missing(judge: Judge, key: str) -> None:
    entry = {name: value for name, value in GOOD.items() if name != key}
    assert open_ones(judge(listed(entry), FOUND)) == ["DL001", "WV004"]


@pytest.mark.parametrize(
    "text",
    [
        "WAIVERS = make()",
        "WAIVERS = [waiver]",
        "WAIVERS = [{'rule': open('x').read()}]",
        "WAIVERS = ['DL001']",
        "WAIVERS = None",
        "WAIVERS: list = {}",
        "WAIVERS += [{}]",
    ],
)
def test_a_list_that_is_not_literal_is_not_run(judge: Judge, text: str) -> None:
    assert open_ones(judge(text, FOUND)) == ["DL001", "WV004"]


def test_a_waiver_is_found_at_its_line(judge: Judge) -> None:
    text = "WAIVERS = [\n    {'rule': 'DL001'},\n    'x',\n]\n"
    lines = {one.location.line for one in judge(text) if one.rule == "WV004"}
    assert lines == {2, 3}


def test_without_waivers_there_is_nothing(judge: Judge) -> None:
    assert judge("def upgrade(): ...", FOUND) == [FOUND]
    assert judge("not python", FOUND) == [FOUND]


# migration-policy.toml

POLICY = """
tenant_columns = ["shop_id"]

[[spanning_roles]]
role = "batch"
reason = "nightly totals"

[[waivers]]
rule = "SE001"
object = "shop.orders"
fingerprint = "{}"
reason = "moves to partitions"
approver = "the security lead"
expires = 2027-03-31
"""


def load(folder: Path, text: str) -> Policy:
    (folder / policy.FILE).write_text(text)
    return policy.load(folder)


def test_only_the_policy_waives_isolation(tmp_path: Path, judge: Judge) -> None:
    off = finding("SE001", "shop.orders", "off", CapturedStatement("x", Location("0002.py", 1)))
    shared = load(tmp_path, POLICY.format(off.fingerprint))
    assert (shared.tenant_columns, shared.spanning_roles) == (("shop_id",), frozenset({"batch"}))
    assert open_ones(judge("", off, shared=shared)) == []
    assert open_ones(judge("", FOUND, shared=shared)) == ["DL001", "WV002"]


def test_a_waiver_of_another_revision_is_none_of_this(tmp_path: Path, judge: Judge) -> None:
    text = POLICY.format(FOUND.fingerprint).replace("SE001", "DL001").replace("shop.orders", "shop.old")
    assert open_ones(judge("", FOUND, shared=load(tmp_path, text + 'revision = "0002"'))) == []
    assert open_ones(judge("", FOUND, shared=load(tmp_path, text + 'revision = "0003"'))) == ["DL001"]


@pytest.mark.parametrize(
    ("old", "new", "rule", "line"),
    [
        ('reason = "nightly totals"', 'reason = ""', "WV004", 4),
        ('role = "batch"\n', "", "WV004", 4),
        ('["shop_id"]', '"shop_id"', "WV004", 2),
        ("tenant_columns", "tenant_column", "WV004", 2),
        ("SE001", "SE999", "WV001", 8),
        ("SE001", "WV003", "WV005", 8),
        ('approver = "the security lead"\n', "", "WV004", 8),
    ],
)
def test_what_is_wrong_with_the_policy(tmp_path: Path, old: str, new: str, rule: str, line: int) -> None:
    found = load(tmp_path, POLICY.replace(old, new)).problems
    assert [(one.rule, one.location.line) for one in found] == [(rule, line)]


def test_a_policy_that_is_no_toml(tmp_path: Path) -> None:
    with pytest.raises(CannotRun, match="is not TOML"):
        load(tmp_path, "tenant_columns = [")


def test_no_policy(tmp_path: Path) -> None:
    assert policy.load(tmp_path) == Policy()


def test_what_the_issue_forbids_to_waive_in_a_revision() -> None:
    assert {rule for rule, known in RULES.items() if known.waivable == "policy"} >= {
        "SE001", "SE002", "SE003", "SE004", "SE005", "SE006", "SE007", "SE013", "SE016", "SE017",
    }  # fmt: skip
