"""The database's objects: the files of sql/ that define them, and a fingerprint to compare catalogs by."""

from collections.abc import Iterable
from typing import Any, NamedTuple

import psycopg

from controlplane import resources
from controlplane.db import queries
from controlplane.errors import CtlError

Fingerprint = dict[tuple[str, str], dict[str, str]]  # (kind, object) -> property -> value
SHOWN = 160  # characters of a value in a message


class Drift(NamedTuple):
    """One difference between two databases, in words: `object` names what, `detail` how."""

    object: str
    detail: str

    def __str__(self) -> str:
        return f"{self.object}: {self.detail}"


def manifest() -> list[str]:
    """The files of sql/ in load order. Raises CtlError unless it lists each file once and no other."""
    root = resources.directory("sql")
    lines = (line.partition("#")[0].strip() for line in (root / "manifest.txt").read_text().splitlines())
    listed = [line for line in lines if line]
    there = {path.relative_to(root).as_posix() for path in root.rglob("*.sql")}
    problems = [f"{path} is not listed" for path in sorted(there - set(listed))]
    problems += [f"{path} is listed but missing" for path in sorted(set(listed) - there)]
    problems += [f"{path} is listed twice" for path in sorted({p for p in listed if listed.count(p) > 1})]
    if problems:
        raise CtlError(
            f"sql/manifest.txt: {'; '.join(problems)}", hint="one line per file of sql/, in load order"
        )
    return listed


def source(path: str) -> str:
    """The text of a file of sql/."""
    return (resources.directory("sql") / path).read_text(encoding="utf-8")


def fingerprint(connection: psycopg.Connection[Any]) -> Fingerprint:
    """Everything that is in schema `attribution`, comparable between databases of one server."""
    found: Fingerprint = {}
    with connection.transaction():
        # Names must not depend on whose search_path it is.
        connection.execute("SET LOCAL search_path = pg_catalog")
        for kind, name, parent, aspect, value in connection.execute(queries()["fingerprint"].encode()):
            found.setdefault((kind, name), {"": parent or ""})[aspect] = value
    return found


def differences(
    expected: Fingerprint, found: Fingerprint, *, expected_name: str, found_name: str
) -> list[Drift]:
    """Every difference, one Drift each. What belongs to a missing or extra table is not named apart."""
    missing, extra = expected.keys() - found.keys(), found.keys() - expected.keys()
    drifts = []
    for key in sorted(expected.keys() | found.keys()):
        name = " ".join(key)
        if key in missing and not _parent_among(key, expected, missing):
            drifts.append(Drift(name, f"missing from {found_name}"))
        elif key in extra and not _parent_among(key, found, extra):
            drifts.append(Drift(name, f"only in {found_name}, {expected_name} has none"))
        elif key in expected and key in found:
            drifts += [
                Drift(name, f"{aspect} differs: {found_name} {here}, {expected_name} {there}")
                for aspect in sorted(expected[key].keys() | found[key].keys())
                if expected[key].get(aspect) != found[key].get(aspect)
                for here, there in [_shown(found[key].get(aspect), expected[key].get(aspect))]
            ]
    return drifts


def _parent_among(key: tuple[str, str], owners: Fingerprint, absent: Iterable[tuple[str, str]]) -> bool:
    return bool(owners[key][""]) and owners[key][""] in {name for _, name in absent}


def _shown(here: str | None, there: str | None) -> tuple[str, str]:
    """Two values as short text: of long ones, the first line that differs."""
    if here is None or there is None or "\n" not in here + there:
        return _short(here), _short(there)
    mine, theirs = here.splitlines(), there.splitlines()
    for number, (left, right) in enumerate(zip(mine, theirs, strict=False), 1):
        if left != right:
            return f"line {number} {_short(left.strip())}", _short(right.strip())
    return f"{len(mine)} lines", f"{len(theirs)} lines"


def _short(value: str | None) -> str:
    if value is None:
        return "nothing"
    return f'"{value}"' if len(value) <= SHOWN else f'"{value[:SHOWN]}…"'
