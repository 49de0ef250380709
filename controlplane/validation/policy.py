"""migration-policy.toml at the project's root: what the project as a whole has decided."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from controlplane.errors import CannotRun
from controlplane.validation.model import Finding, Location, Waiver
from controlplane.validation.waivers import Entry, parse_entry, problem

FILE = "migration-policy.toml"
KEYS = {"tenant_columns", "spanning_roles", "waivers"}


@dataclass(frozen=True)
class Policy:
    """What the file holds. `spanning_roles` may see every tenant's rows, each for the reason given there.

    `problems` are what is wrong with the file, as findings.
    """

    tenant_columns: tuple[str, ...] = ("tenant_id",)
    spanning_roles: frozenset[str] = frozenset()
    waivers: tuple[Waiver, ...] = ()
    problems: tuple[Finding, ...] = ()


def load(root: Path) -> Policy:
    """Read the file below `root`; without one the defaults apply. Raises CannotRun if it is no TOML."""
    path = root / FILE
    if not path.is_file():
        return Policy()
    try:
        text = path.read_text(encoding="utf-8")
        document = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise CannotRun(f"{path} is not TOML: {error}", hint="see docs/validate-migration.md") from None
    return _policy(document, text, path)


def _policy(document: Mapping[str, Any], text: str, path: Path) -> Policy:
    shown = path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
    problems = [
        problem(f"unknown key {key!r}", Location(str(shown), _line(text, key)))
        for key in sorted(document.keys() - KEYS)
    ]
    columns = document.get("tenant_columns", ["tenant_id"])
    if not isinstance(columns, list) or not all(isinstance(column, str) for column in columns) or not columns:
        problems.append(
            problem("tenant_columns is no list of names", Location(str(shown), _line(text, "tenant_columns")))
        )
        columns = ["tenant_id"]
    roles, waivers = [], []
    for number, entry in enumerate(_tables(document, "spanning_roles")):
        where = Location(str(shown), _line(text, "[[spanning_roles]]", number))
        if str(entry.get("reason", "")).strip() and isinstance(entry.get("role"), str):
            roles.append(entry["role"])
        else:
            problems.append(problem("a spanning role needs role and reason", where))
    for number, entry in enumerate(_tables(document, "waivers")):
        where = Location(str(shown), _line(text, "[[waivers]]", number))
        parsed = parse_entry(Entry(entry, where, from_policy=True))
        if isinstance(parsed, Waiver):
            waivers.append(parsed)
        else:
            problems.extend(parsed)
    return Policy(tuple(columns), frozenset(roles), tuple(waivers), tuple(problems))


def _tables(document: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    found = document.get(key, [])
    return [entry if isinstance(entry, dict) else {} for entry in found] if isinstance(found, list) else [{}]


def _line(text: str, words: str, number: int = 0) -> int:
    """The line on which `words` stand for the time `number`, from 0; 1 where they don't."""
    lines = [index for index, line in enumerate(text.splitlines(), 1) if line.strip().startswith(words)]
    return lines[number] if number < len(lines) else 1
