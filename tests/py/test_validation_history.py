"""Which revisions are judged, what of a history is judged as a whole, and functions that don't work."""

import subprocess
from pathlib import Path

import alembic_project
import pytest
from servers import Server

from controlplane import migrations
from controlplane.validation import policy
from controlplane.validation.history import History
from controlplane.validation.model import Severity, Status, exit_code
from controlplane.validation.runner import Options, validate

ROOT = Path(__file__).parents[2]
COLUMN = 'op.add_column("lookup", sa.Column("n", sa.Integer()), schema="attr")'
BACK = 'op.drop_column("lookup", "n", schema="attr")'


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The small Alembic project as the working directory, committed on branch main; the file of 0002."""
    monkeypatch.chdir(tmp_path)
    file = alembic_project.build(tmp_path, COLUMN, BACK)
    git("init")
    commit("start")
    return file


def git(*arguments: str) -> None:
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "init.defaultBranch=main"]
    subprocess.run(["git", *identity, *arguments], check=True, capture_output=True)


def commit(message: str) -> None:
    git("add", ".")
    git("commit", "--allow-empty", "-m", message)


def newer(base: str | None = None) -> list[str]:
    return [revision.id for revision in History().newer_than(base)]


def test_only_what_the_base_branch_does_not_have(project: Path, tmp_path: Path) -> None:
    assert newer() == []
    git("checkout", "-b", "feature")
    alembic_project.add(tmp_path, "0003", "pass")
    assert newer() == ["0003"]
    commit("more")
    assert newer("main") == ["0003"]
    project.write_text(project.read_text() + "\n# another\n")
    assert newer() == ["0002", "0003"]


def test_nothing_newer_is_no_failure(project: Path) -> None:
    report = validate([], Options(static_only=True))
    assert (list(report.units), exit_code(report)) == ([], 0)


def test_without_git_everything_is_new(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    alembic_project.build(tmp_path, COLUMN, BACK)
    assert newer() == ["0001", "0002"]


def test_ranges(project: Path, tmp_path: Path) -> None:
    alembic_project.add(tmp_path, "0003", "pass")
    history = History()
    for words, expected in {
        "0002": ["0002"], "0001..0003": ["0002", "0003"], "base..head": ["0001", "0002", "0003"],
        "..0002": ["0001", "0002"], "0002..": ["0003"], "head": ["0003"],
    }.items():  # fmt: skip
        assert [revision.id for revision in history.chosen(words)] == expected, words


@pytest.mark.servers("one")
def test_an_edit_of_a_released_revision(project: Path, server: Server) -> None:
    git("tag", "v1")
    project.write_text(project.read_text() + "\n# edited\n")
    (project.parent / "base.sql").write_text((project.parent / "base.sql").read_text() + "\n-- edited\n")
    report = validate(["0002"], Options(database_url=server.admin_url))
    edited = {str(found.location) for found in report.findings() if found.rule == "HY005"}
    versions = "migrations/versions"
    assert edited == {f"{versions}/0002_change.py:1", f"{versions}/base.sql:1"}


@pytest.mark.servers("one")
def test_a_chain_goes_on_from_what_came_before(project: Path, tmp_path: Path, server: Server) -> None:
    alembic_project.add(
        tmp_path, "0003", "op.execute(\"UPDATE attr.lookup SET n = 1 WHERE k = 'k1'\")", "pass"
    )
    alembic_project.add(tmp_path, "0004", BACK, COLUMN)
    report = validate(["0001..0004"], Options(database_url=server.admin_url))
    assert [unit.name for unit in report.units] == ["0002", "0003", "0004"]
    rules = [{found.rule for found in unit.findings} - {"RV005"} for unit in report.units]
    assert rules[0] == set()
    assert rules[1] == {"RV003"}  # its downgrade takes nothing back
    assert "DL002" in rules[2]  # what 0002 made was there before 0004


@pytest.mark.servers("one")
def test_after_a_revision_that_fails_the_next_is_not_judged(
    project: Path, tmp_path: Path, server: Server
) -> None:
    alembic_project.add(tmp_path, "0003", 'op.execute("SELECT 1 / 0")', "pass")
    alembic_project.add(tmp_path, "0004", "pass")
    report = validate(["0003..0004", "0003"], Options(database_url=server.admin_url))
    failed, unreached = report.units
    (finding,) = [found for found in failed.findings if found.rule == "CP013"]
    assert "division by zero (22012)" in finding.message
    assert [stage.detail for stage in unreached.stages if stage.status is Status.FAILED] == [
        "the revision before it could not be applied; mend that one first"
    ]


@pytest.mark.servers("one")
def test_branches_that_were_merged(project: Path, tmp_path: Path, server: Server) -> None:
    other = 'op.add_column("lookup", sa.Column("o", sa.Integer()), schema="attr")'
    branch = alembic_project.add(tmp_path, "0003", other, 'op.drop_column("lookup", "o", schema="attr")')
    branch.write_text(branch.read_text().replace('down_revision = "0002"', 'down_revision = "0001"'))
    merge = alembic_project.add(tmp_path, "0004", "pass")
    merge.write_text(merge.read_text().replace('"0003"', '("0002", "0003")'))
    report = validate(["0002", "0003", "0004"], Options(database_url=server.admin_url))
    trips = {unit.name: unit.round_trip for unit in report.units}
    assert exit_code(report) == 0
    assert trips.pop("0004") == "a merge: there is no one way back"
    assert set(trips.values()) == {"up, down and up again: nothing differs but what the upgrade added"}


@pytest.mark.servers("plpgsql_check")
def test_functions_that_do_not_work(tmp_path: Path, server: Server) -> None:
    body = "$$ BEGIN PERFORM nowhere FROM attr.lookup; END $$"
    (tmp_path / "a.sql").write_text(
        "SELECT 1;\n"
        f"CREATE FUNCTION attr.broken() RETURNS void LANGUAGE plpgsql AS {body};\n"
        f"CREATE FUNCTION attr.fine() RETURNS void LANGUAGE plpgsql AS {body.replace('nowhere', 'k')};\n"
    )
    options = Options(setup=alembic_project.GIVEN / "base.sql", database_url=server.admin_url)
    report = validate([str(tmp_path / "a.sql")], options)
    (found,) = [found for found in report.findings() if found.rule == "HY007"]
    assert (found.object, found.location.line) == ("attr.broken", 2)
    assert 'column "nowhere" does not exist' in found.message


@pytest.mark.servers("local")
def test_our_own_history_passes(own_server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """The gate holds for this project too: what CI runs as ctl validate-migration base..head.

    On a server of its own: other tests need the roles that are dropped in the end.
    """
    monkeypatch.chdir(ROOT)
    decided = policy.load(ROOT)
    options = Options(database_url=own_server.admin_url, policy=decided, timeout=300)
    report = validate(["base..head"], options)
    assert [unit.name for unit in report.units] == migrations.revisions()
    errors = [found for found in report.findings() if found.severity is Severity.ERROR]
    assert ([f"{one.rule} {one.location} {one.message}" for one in errors], exit_code(report)) == ([], 0)
    for unit in report.units:
        stages = {stage.name: stage.status for stage in unit.stages}
        assert stages["trace"] is stages["security"] is Status.PASSED
        assert unit.round_trip.startswith(("up, down and up again: nothing differs", "irreversible: "))
    assert stages["drift"] is Status.PASSED
    assert all(len(waiver.reason) > 20 for waiver in decided.waivers)
