"""README's examples, run as they stand there."""

import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner
from ctl import ROOT
from servers import Database

from controlplane.cli import main

EXPECTED = {"ctl rules preview": "journey.expected.txt"}


def shown() -> list[tuple[str, str]]:
    """The commands of README's examples, each with the output that README shows (or none)."""
    section = (ROOT / "README.md").read_text().partition("## The examples")[2]
    block = re.search(r"```console\n(.*?)```", section, re.DOTALL)
    assert block
    return [(command, output) for command, output in re.findall(r"\$ (.*)\n((?:(?!\$ ).*\n)*)", block[1])]


def plain(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.strip().splitlines())


def test_the_examples_run_as_written(blank: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    commands = shown()
    # Those in folders have tests of their own.
    names = {path.name for path in Path("examples").iterdir() if path.is_file()}
    files = {name for name in names if not name.endswith(".expected.txt")}
    assert {name for name in files if any(f"examples/{name}" in command for command, _ in commands)} == files
    for command, output in commands:
        result = CliRunner(env={"DATABASE_URL": blank.url, "COLUMNS": "120"}).invoke(
            main, shlex.split(command)[1:]
        )
        assert result.exit_code == 0, (command, result.output)
        if output:
            assert plain(result.stdout) == plain(output), command
        for start, name in EXPECTED.items():
            if command.startswith(start):
                assert plain(result.stdout) == plain((ROOT / "examples" / name).read_text())
