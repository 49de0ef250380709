"""Waivers: read from the revision without running it, checked for what they must say, and applied.

A revision's waivers are a literal list at its top level:

    WAIVERS = [
        {
            "rule": "DL001", "object": "shop.orders", "fingerprint": "0123456789abcdef",
            "reason": "empty since 2025", "approver": "a person", "expires": "2027-01-31",
            "assert_sql": "SELECT NOT EXISTS (SELECT FROM shop.orders)",
        },
    ]
"""

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from controlplane.validation.model import Finding, Location, UnitReport, Waiver
from controlplane.validation.rules import RULES

if TYPE_CHECKING:
    from controlplane.validation.policy import Policy

REQUIRED = ("rule", "object", "fingerprint", "reason", "approver", "expires")
OPTIONAL = ("assert_sql", "revision")


@dataclass(frozen=True)
class Entry:
    """One waiver as written."""

    value: Any
    location: Location
    from_policy: bool = False


def problem(message: str, location: Location, rule: str = "WV004", object: str = "waiver") -> Finding:
    """A finding about a waiver itself."""
    known = RULES[rule]
    return Finding(rule, known.severity, object, message, location, fix_sql=known.safe.rstrip())


def read(path: Path) -> tuple[list[Waiver], list[Finding]]:
    """The waivers of a revision, and what is wrong with them. The file is parsed, never run."""
    shown = str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)
    try:
        module = ast.parse(path.read_text(encoding="utf-8"))
    except (SyntaxError, UnicodeDecodeError, ValueError):
        return [], []  # that the revision can't be imported is said by who imports it
    waivers: list[Waiver] = []
    problems: list[Finding] = []
    for node in module.body:
        if "WAIVERS" not in _targets(node):
            continue
        where = Location(shown, node.lineno)
        elements = getattr(node.value, "elts", None) if isinstance(node, ast.Assign | ast.AnnAssign) else None
        if elements is None:
            problems.append(problem("WAIVERS is not a literal list", where))
            continue
        for element in elements:
            parsed = _element(element, Location(shown, element.lineno))
            if isinstance(parsed, Waiver):
                waivers.append(parsed)
            else:
                problems.extend(parsed)
    return waivers, problems


def _targets(node: ast.stmt) -> list[str]:
    if isinstance(node, ast.Assign):
        targets: Sequence[ast.expr] = node.targets
    elif isinstance(node, ast.AnnAssign | ast.AugAssign):
        targets = [node.target]
    else:
        return []
    return [target.id for target in targets if isinstance(target, ast.Name)]


def _element(element: ast.expr, where: Location) -> Waiver | list[Finding]:
    try:
        value = ast.literal_eval(element)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return [problem("a waiver is not literal: names and calls are not run", where)]
    return parse_entry(Entry(value, where))


def parse_entry(entry: Entry) -> Waiver | list[Finding]:
    """A waiver, or everything that is wrong with it."""
    value, where = entry.value, entry.location
    if not isinstance(value, dict):
        return [problem("a waiver is a mapping of names to texts", where)]
    expires = value.get("expires")
    texts = {key: given for key, given in value.items() if key != "expires"}
    found = [problem(f"unknown key {key!r}", where) for key in value if key not in (*REQUIRED, *OPTIONAL)]
    found += [
        problem(f"{key} is missing, empty or no text", where)
        for key in (*REQUIRED, *(key for key in OPTIONAL if key in value))
        if key != "expires" and not (isinstance(texts.get(key), str) and texts[key].strip())
    ]
    when = _date(expires)
    if when is None:
        found.append(problem("expires is no date, such as 2027-01-31", where))
    rule = str(value.get("rule", ""))
    if rule.strip() and rule not in RULES:
        found.append(problem(f"there is no rule {rule}", where, "WV001", rule))
    elif rule in RULES and not entry.from_policy and RULES[rule].waivable != "revision":
        where_then = "only in migration-policy.toml" if RULES[rule].waivable == "policy" else "not at all"
        found.append(problem(f"{rule} can be waived {where_then}", where, "WV005", rule))
    elif rule in RULES and RULES[rule].waivable == "never":
        found.append(problem(f"{rule} can't be waived", where, "WV005", rule))
    if found or when is None:
        return found
    return Waiver(**texts, expires=when, location=where, from_policy=entry.from_policy)


def _date(value: Any) -> date | None:
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError):
        return None


def apply(
    units: Sequence[UnitReport], files: Mapping[str, Path], policy: "Policy", today: date
) -> list[UnitReport]:
    """The units with each finding's waiver, and with what is wrong with the waivers as further findings.

    `files` are the revisions' modules by the unit's name; a .sql file holds no waivers.
    """
    used: set[Waiver] = set()
    done = []
    for unit in units:
        own, problems = read(files[unit.name]) if unit.name in files else ([], [])
        shared = [waiver for waiver in policy.waivers if waiver.revision in ("", unit.name)]
        valid = [waiver for waiver in (*own, *shared) if waiver.expires >= today]
        findings = [_waived(finding, valid) for finding in unit.findings]
        used.update(finding.waiver for finding in findings if finding.waiver)
        theirs = [waiver for waiver in shared if waiver.revision]
        problems += [found for waiver in (*own, *theirs) if (found := _useless(waiver, used, today))]
        done.append(replace(unit, findings=[*findings, *problems]))
    general = [waiver for waiver in policy.waivers if not waiver.revision]
    wrong = [*policy.problems, *(found for waiver in general if (found := _useless(waiver, used, today)))]
    return [*done, UnitReport("migration-policy.toml", findings=wrong)] if wrong else done


def _waived(finding: Finding, waivers: Sequence[Waiver]) -> Finding:
    named = (finding.rule, finding.object, finding.fingerprint)
    for waiver in waivers:
        if (waiver.rule, waiver.object, waiver.fingerprint) == named:
            return replace(finding, waiver=waiver)
    return finding


def _useless(waiver: Waiver, used: set[Waiver], today: date) -> Finding | None:
    label = f"{waiver.rule} on {waiver.object}"
    if waiver.expires < today:
        message = f"the waiver of {label} expired on {waiver.expires}"
        return problem(message, waiver.location, "WV003", waiver.object)
    if waiver not in used:
        message = f"the waiver of {label} with fingerprint {waiver.fingerprint} matches no finding"
        return problem(message, waiver.location, "WV002", waiver.object)
    return None
