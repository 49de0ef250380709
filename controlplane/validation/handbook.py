"""The rules as documentation: `python -m controlplane.validation.handbook docs/validate-migration.md`."""

import sys
from itertools import groupby
from pathlib import Path

from controlplane.validation.rules import RULES, Rule

START, END = "<!-- rules -->\n", "<!-- /rules -->\n"
WAIVABLE = {
    "revision": "a waiver in the revision",
    "policy": "a waiver in migration-policy.toml only",
    "never": "no waiver",
}


def rules_as_markdown() -> str:
    """A table of every rule, then a section for each with its safe way."""
    lines = ["| rule | finds | severity |", "|---|---|---|"]
    lines += [
        f"| [{rule.id}](#{_anchor(rule)}) | {rule.title} | {rule.severity} |" for rule in RULES.values()
    ]
    for family, rules in groupby(RULES.values(), lambda rule: rule.family):
        lines += ["", f"### Rules: {family}"]
        for rule in rules:
            lines += ["", *_section(rule)]
    return "\n".join(lines) + "\n"


def _section(rule: Rule) -> list[str]:
    known = "measured or inferred" if rule.measurable else "always inferred"
    return [
        f"#### {rule.id}: {rule.title}",
        "",
        f"{rule.what} {rule.why}",
        "",
        f"{str(rule.severity).capitalize()}, {known}; {WAIVABLE[rule.waivable]}. The safe way:",
        "",
        "```postgresql",
        rule.safe.rstrip(),
        "```",
    ]


def _anchor(rule: Rule) -> str:
    kept = "".join(char for char in f"{rule.id}: {rule.title}".lower() if char.isalnum() or char in " -_")
    return kept.replace(" ", "-")


def inserted(document: str) -> str:
    """A document with the rules between its two marks."""
    before, _, rest = document.partition(START)
    _, _, after = rest.partition(END)
    return f"{before}{START}\n{rules_as_markdown()}\n{END}{after}"


if __name__ == "__main__":
    path = Path(sys.argv[1])
    path.write_text(inserted(path.read_text(encoding="utf-8")), encoding="utf-8")
