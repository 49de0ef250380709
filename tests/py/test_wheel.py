"""The wheel: it ships sql/ and alembic/, and works from any directory without the checkout."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from servers import Database

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.servers("one")


def run(*command: str, cwd: Path, **variables: str) -> "subprocess.CompletedProcess[str]":
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return subprocess.run(
        command, cwd=cwd, env=environment | variables, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout, built offline."""
    directory = tmp_path_factory.mktemp("wheel")
    built = run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(directory), cwd=ROOT)
    assert built.returncode == 0, built.stderr
    (path,) = directory.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def site(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the wheel is installed: a directory of its own, with a space."""
    directory = tmp_path_factory.mktemp("an installation")
    pip = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--no-index",
        "--target",
        str(directory),
    ]
    installed = run(*pip, str(wheel), cwd=directory)
    assert installed.returncode == 0, installed.stderr
    return directory


def ctl(site: Path, url: str, *words: str) -> "subprocess.CompletedProcess[str]":
    script = site / "bin" / "ctl"
    return run(sys.executable, str(script), *words, cwd=site.parent, PYTHONPATH=str(site), DATABASE_URL=url)


def test_the_wheel_holds_every_sql_file_and_revision(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    for source, inside in (("sql", "_sql"), ("alembic", "_alembic")):
        paths = [path for path in (ROOT / source).rglob("*") if path.suffix in (".sql", ".txt", ".py")]
        assert len(paths) > 3
        assert {
            f"controlplane/{inside}/{path.relative_to(ROOT / source).as_posix()}" for path in paths
        } <= names
    assert {"controlplane/queries.sql", "controlplane/py.typed"} <= names
    assert not [
        name for name in names if name.startswith(("tests/", "sql/", "alembic/")) or "__pycache__" in name
    ]


def test_an_installed_ctl_migrates_checks_and_goes_back(site: Path, blank: Database) -> None:
    where = run(
        sys.executable,
        "-c",
        "import controlplane; print(controlplane.__file__)",
        cwd=site,
        PYTHONPATH=str(site),
    )
    assert where.stdout.startswith(str(site))
    migrated = ctl(site, blank.url, "migrate", "--json")
    assert migrated.returncode == 0, migrated.stderr
    assert json.loads(migrated.stdout)["from"] is None
    for words in (["sql", "check"], ["verify"], ["report"], ["migrate", "down", "base"]):
        done = ctl(site, blank.url, *words)
        assert (done.returncode, done.stderr) == (0, ""), words


def test_an_installed_ctl_does_not_freeze(site: Path, blank: Database) -> None:
    done = ctl(site, blank.url, "sql", "freeze", "-m", "Anything")
    assert done.returncode == 3
    assert "only a checkout can freeze sql/" in done.stderr


def test_the_constraints_pin_every_dependency() -> None:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pins = [line for line in lines if not line.startswith("#")]
    assert all(line.count("==") == 1 and "/" not in line for line in pins)
    assert [name.lower() for name in pins] == sorted(name.lower() for name in pins)
