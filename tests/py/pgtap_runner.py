"""Runs one pgTAP file with psql and says everything that is wrong with it."""

import os
import re
import subprocess
from pathlib import Path

from servers import Database, find_psql

RESULT = re.compile(r"(not )?ok (\d+)(?: - )?(.*)")
PLAN = re.compile(r"1\.\.(\d+)\b")
DIRECTIVE = re.compile(r"(?<!\\)#\s*(TODO|SKIP)\b", re.IGNORECASE)
COMMENT = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)
TIMEOUT = 300  # seconds per file


def run(path: Path, database: Database) -> list[str]:
    """The faults of one file run in one database: each names the file; none means that it passed."""
    script = path.read_text()
    done = subprocess.run(
        [find_psql(database.server), "--no-psqlrc", "--quiet", "--no-align", "--tuples-only",
         "--set=ON_ERROR_STOP=1", "--set=VERBOSITY=verbose", "--pset=pager=off",
         f"--dbname={database.url}", f"--file={path}"],
        capture_output=True, text=True, timeout=TIMEOUT, stdin=subprocess.DEVNULL, env=environment(),
    )  # fmt: skip
    faults = form_faults(script) + tap_faults(done.stdout)
    if done.returncode or "ERROR:" in done.stderr:
        faults.append(f"psql ended with {done.returncode}: {done.stderr.strip()}")
    return [f"{path.name}: {fault}" for fault in faults]


def environment() -> dict[str, str]:
    """Ours without the libpq settings of whoever runs the tests, in UTF-8, silent below warnings."""
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("PG")}
    return inherited | {"PGCLIENTENCODING": "UTF8", "PGOPTIONS": "-c client_min_messages=warning"}


def form_faults(script: str) -> list[str]:
    """What a file lacks to be able to fail: TAP alone doesn't show a missing finish() or ROLLBACK."""
    words = [word for line in COMMENT.sub("", script).split(";") if (word := " ".join(line.split()))]
    faults = []
    if not words or words[0].upper() != "BEGIN":
        faults.append("doesn't begin with BEGIN;")
    if not words or words[-1].upper() != "ROLLBACK":
        faults.append("doesn't end with ROLLBACK;")
    if any(re.fullmatch(r"(COMMIT|END)( AND CHAIN)?", word, re.IGNORECASE) for word in words):
        faults.append("commits")
    if not any(re.search(r"\bfinish\s*\(", word) for word in words):
        faults.append("calls no finish()")
    return faults


def tap_faults(output: str) -> list[str]:
    """What TAP says went wrong: failures with their diagnostics, a wrong plan, gaps, excused tests."""
    faults: list[str] = []
    plans: list[int] = []
    count = 0
    failing = False
    for line in output.splitlines():
        if result := RESULT.fullmatch(line):
            count += 1
            failed, number, description = result.groups()
            failing = bool(failed)
            directive = DIRECTIVE.search(description)
            if int(number) != count:
                faults.append(f"test {count} is numbered {number}")
            if failed:
                faults.append(f"not ok {number} - {description}")
            elif directive:
                faults.append(f"test {number} proves nothing: {description}")
        elif plan := PLAN.match(line):
            plans.append(int(plan[1]))
        elif line.startswith("Bail out!"):
            faults.append(line)
        elif line.startswith("#") and failing:
            faults[-1] += f"\n    {line}"
    if plans != [count] or not count:
        planned = " and ".join(map(str, plans)) or "nothing"
        faults.append(f"planned {planned}, ran {count} tests")
    return faults
