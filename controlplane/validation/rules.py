"""The rules, read from rules.yaml: each with what it finds, why that hurts, and the safe way as SQL."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from controlplane.validation.model import CapturedStatement, Evidence, Finding, Location, Severity
from controlplane.validation.parse import fingerprint

SOURCE = Path(__file__).with_name("rules.yaml")
FAMILIES = {
    "DL": "data loss",
    "LK": "locks",
    "CP": "compatibility",
    "SE": "security",
    "RV": "reversibility",
    "HY": "hygiene",
    "WV": "waivers",
}


@dataclass(frozen=True)
class Rule:
    """One rule. `waivable` is "revision", "policy" (only in migration-policy.toml) or "never".

    `measurable` says whether a traced run can confirm or clear what the static reading suspects.
    """

    id: str
    title: str
    what: str
    why: str
    safe: str
    severity: Severity = Severity.ERROR
    measurable: bool = True
    waivable: str = "revision"

    @property
    def family(self) -> str:
        """What the rule is about, such as "data loss"."""
        return FAMILIES[self.id[:2]]


@cache
def _load() -> dict[str, Rule]:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # ten times as fast, where libyaml is there
    entries: list[dict[str, Any]] = yaml.load(SOURCE.read_text(encoding="utf-8"), Loader=loader)
    rules = [Rule(**{**entry, "severity": Severity(entry.get("severity", "error"))}) for entry in entries]
    return {rule.id: rule for rule in rules}


RULES: dict[str, Rule] = _load()


def finding(
    rule: str,
    object: str,
    message: str,
    statement: CapturedStatement,
    *,
    location: Location | None = None,
    severity: Severity | None = None,
    evidence: Evidence = Evidence.INFERRED,
    fix_sql: str = "",
) -> Finding:
    """A finding about a statement, with whatever is not given taken from the rule and the statement."""
    known = RULES[rule]
    return Finding(
        rule=rule,
        severity=severity or known.severity,
        object=object,
        message=message,
        location=location or statement.location,
        statement=statement.sql,
        fingerprint=fingerprint(statement.sql),
        evidence=evidence,
        fix_sql=fix_sql or known.safe.rstrip(),
        revision=statement.revision,
        direction=statement.direction,
    )
