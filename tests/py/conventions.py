"""What every file of sql/ must look like (CONTRIBUTING.md), as a function from its text to its faults."""

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from controlplane.sqltext import created

FOLDERS = {
    "FUNCTION": "functions",
    "PROCEDURE": "functions",
    "TRIGGER": "triggers",
    "VIEW": "views",
    "POLICY": "policies",
}
QUIET = re.compile(r"--[^\n]*|(?P<tag>\$\w*\$).*?(?P=tag)", re.DOTALL)  # comments and bodies
PINNED = re.compile(r"^SET search_path = (attribution, pg_temp|pg_catalog, pg_temp|'')$", re.MULTILINE)
VOLATILITY = re.compile(r"^(IMMUTABLE|STABLE|VOLATILE)$", re.MULTILINE)
# Neither a sentence nor a signature is broken in two.
UNBROKEN = re.compile(
    r"\s*(?:'|(?:MESSAGE|DETAIL|HINT) = |COMMENT ON |(?:ALTER|REVOKE .*|GRANT .*) (?:FUNCTION|PROCEDURE) )"
)
STATE = re.compile(r"'[0-9A-Z]{5}'")
LINE = 140
LINES = 400


def sql_faults(path: PurePosixPath, text: str) -> list[str]:
    """Every convention that one file of sql/ breaks; `path` is relative to sql/."""
    return [*form_faults(text), *object_faults(path, text)]


def form_faults(text: str) -> Iterator[str]:
    lines = text.splitlines()
    if not text.endswith("\n") or text.endswith("\n\n"):
        yield "doesn't end with one newline"
    if len(lines) > LINES:
        yield f"has {len(lines)} lines, more than {LINES}"
    for number, line in enumerate(lines, 1):
        if line != line.rstrip() or "\t" in line:
            yield f"line {number}: a tab, or blanks at its end"
        if len(line) > LINE and not UNBROKEN.match(line):
            yield f"line {number}: {len(line)} characters, more than {LINE}"


def object_faults(path: PurePosixPath, text: str) -> Iterator[str]:
    objects = created(text)
    policies = bool(objects) and all(made.kind == "POLICY" for made in objects)
    if len(objects) != 1 and not policies:
        yield f"creates {len(objects)} objects, not one"
        return
    code = QUIET.sub("", text)
    header = text.partition("\n\n")[0] if text.startswith("--") else ""
    if len(header.replace("-", "").split()) < 3:
        yield "has no header comment"
    for kind, name, table, statement, _ in objects:
        # A table's policies only make sense together: they share a file, named as the table.
        schema, _, bare = (table or "" if policies else name).rpartition(".")
        if path.parts[0] != FOLDERS[kind]:
            yield f"a {kind} belongs in {FOLDERS[kind]}/"
        if path.stem != bare:
            yield f"is not named as its object, {bare}"
        if schema != ("" if kind == "TRIGGER" else "attribution"):
            yield f"{name} is not in schema attribution"
        if "OR REPLACE" not in statement and f"DROP {kind} IF EXISTS {name} " not in code:
            yield f"can't be run again: neither CREATE OR REPLACE nor DROP {kind} IF EXISTS"
        if not re.search(rf"^COMMENT ON {kind} {re.escape(name)}\b", code, re.MULTILINE):
            yield f"has no COMMENT ON {kind} {name}"
        if kind == "VIEW" and "security_invoker" not in statement:
            yield "is not security_invoker"
        if kind in ("FUNCTION", "PROCEDURE"):
            yield from routine_faults(kind, name, code, header)


def routine_faults(kind: str, name: str, code: str, header: str) -> Iterator[str]:
    """The rules of functions and procedures: header, modifiers, ownership, privileges."""
    bare = name.rpartition(".")[2]
    if not header.startswith(f"-- {bare}("):
        yield f"the header doesn't begin with -- {bare}("
    if kind == "FUNCTION" and not VOLATILITY.search(code):
        yield "says no volatility on a line of its own"
    if "…" not in header:  # says that it names groups of arguments
        for argument in sorted(set(re.findall(r"\bp_\w+", code)) - set(re.findall(r"\bp_\w+", header))):
            yield f"the header doesn't name {argument}"
    if not re.search(rf"^REVOKE ALL ON {kind} {re.escape(name)}\([^;]*\) FROM PUBLIC;", code, re.MULTILINE):
        yield f"has no REVOKE ALL ON {kind} … FROM PUBLIC"
    if not re.search(
        rf"^ALTER {kind} {re.escape(name)}\([^;]*\) OWNER TO attribution_(owner|engine);", code, re.M
    ):
        yield "has no OWNER TO attribution_owner or attribution_engine"
    if "SECURITY DEFINER" in code:
        if "SECURITY DEFINER:" not in header:
            yield "SECURITY DEFINER without a reason in the header"
        if not PINNED.search(code):
            yield "SECURITY DEFINER without SET search_path = attribution, pg_temp"


def throws_without_state(text: str) -> list[str]:
    """The throws_ok() calls of a pgTAP file that accept any error, so that a typo passes."""
    calls = re.findall(r"\bthrows_ok\s*\((.*?)\);", text, re.DOTALL)
    return [" ".join(call.split()) for call in calls if not STATE.search(call)]
