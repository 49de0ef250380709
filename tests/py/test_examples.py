"""The examples of README and the month-end close of docs/ledger.md, run as they stand there."""

import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner
from ctl import ROOT
from servers import Database

from controlplane.cli import main

SECTIONS = {"README.md": "## The examples", "docs/ledger.md": "## Closing a month"}
EXPECTED = {"ctl rules preview": "journey.expected.txt"}


def shown(document: str) -> list[tuple[str, str]]:
    """The commands of a document's section, each with the output that it shows (or none)."""
    text = (ROOT / document).read_text()
    section = re.split(r"^## ", text.partition(SECTIONS[document])[2], maxsplit=1, flags=re.MULTILINE)[0]
    blocks = "".join(re.findall(r"^```console\n(.*?)^```$", section, re.DOTALL | re.MULTILINE))
    return re.findall(r"\$ (.*)\n((?:(?!\$ ).*\n)*)", blocks)


def plain(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.strip().splitlines())


@pytest.mark.parametrize("document", SECTIONS)
def test_the_examples_run_as_written(
    document: str, blank: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    monkeypatch.chdir(tmp_path)
    commands = shown(document)
    assert len(commands) > 5
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


def test_every_example_is_used() -> None:
    commands = [command for document in SECTIONS for command, _ in shown(document)]
    here = {
        path.name for path in (ROOT / "examples").iterdir() if path.is_file()
    }  # folders have their own tests
    files = {name for name in here if not name.endswith(".expected.txt")}
    assert {name for name in files if any(f"examples/{name}" in command for command in commands)} == files
