"""What can't be validated: never exit code 0, never a traceback, always what to do."""

import subprocess
from pathlib import Path

import alembic_project
import pytest
from servers import Server

from controlplane.errors import CannotRun
from controlplane.validation.model import Report, Status, exit_code
from controlplane.validation.runner import Options, UsageProblem, validate

pytestmark = pytest.mark.servers("local")
BASE = alembic_project.GIVEN / "base.sql"
CRASH = "DO $do$ BEGIN EXECUTE $$COPY (SELECT 1) TO PROGRAM 'kill -9 $PPID'$$; END $do$"
LOOP = "DO $$ BEGIN LOOP PERFORM 1; END LOOP; END $$"


def failed(report: Report) -> str:
    """What is said of the one stage that could not be run."""
    ((_, stage),) = report.could_not_validate[-1:]
    assert stage.status is Status.FAILED
    assert exit_code(report) == 3
    return stage.detail


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The small Alembic project, as the working directory."""
    monkeypatch.chdir(tmp_path)
    return alembic_project.build(tmp_path, 'op.execute("SELECT 1")')


def git(*arguments: str) -> None:
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "init.defaultBranch=main"]
    subprocess.run(["git", *identity, *arguments], check=True, capture_output=True)


@pytest.mark.servers("one", "local")
def test_sql_that_does_not_parse(tmp_path: Path, server: Server) -> None:
    file = tmp_path / "a.sql"
    file.write_text("SELECT 1;\n\nSELEC 2;\n")
    said = failed(validate([str(file)], Options(setup=BASE, database_url=server.admin_url)))
    assert said.startswith(f"{file}:3: syntax error")


@pytest.mark.servers("one", "local")
def test_a_setup_that_fails_names_its_line(tmp_path: Path, server: Server) -> None:
    (tmp_path / "base.sql").write_text("CREATE TABLE a (i int);\nCREATE TABLE a (i int);\n")
    (tmp_path / "a.sql").write_text("SELECT 1;\n")
    options = Options(setup=tmp_path / "base.sql", database_url=server.admin_url)
    with pytest.raises(CannotRun, match=r'base.sql:2: relation "a" already exists'):
        validate([str(tmp_path / "a.sql")], options)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageProblem, match=r"there is no file .*a\.sql"):
        validate([str(tmp_path / "a.sql")], Options())


def test_a_revision_that_is_not_there(project: Path) -> None:
    with pytest.raises(UsageProblem, match="no revision is called 0815") as problem:
        validate(["0815"], Options())
    assert (problem.value.exit_code, problem.value.hint) == (2, "the revisions are: 0001, 0002")


def test_a_range_the_wrong_way_round(project: Path) -> None:
    with pytest.raises(UsageProblem, match="0002 is not an ancestor of 0001"):
        validate(["0002..0001"], Options())


def test_a_revision_that_does_not_import(project: Path) -> None:
    project.write_text("import nowhere_to_be_found\n" + project.read_text())
    with pytest.raises(CannotRun, match=r"versions/0002_change.py:1: ModuleNotFoundError"):
        validate(["0002"], Options())
    project.write_text("def upgrade(:\n")
    with pytest.raises(CannotRun, match=r"versions/0002_change.py:1: SyntaxError"):
        validate(["0002"], Options())


def test_two_heads(project: Path) -> None:
    other = project.with_name("0003_change.py")
    other.write_text(project.read_text().replace('"0002"', '"0003"'))
    with pytest.raises(CannotRun, match="the history has 2 heads: 0002, 0003") as problem:
        validate([], Options())
    assert "alembic merge" in problem.value.hint


def test_a_base_that_git_does_not_know(project: Path) -> None:
    with pytest.raises(UsageProblem, match="no git repository to look for main in"):
        validate([], Options(base="main"))
    git("init")
    git("add", ".")
    git("commit", "-m", "start")
    with pytest.raises(UsageProblem, match="git knows no release"):
        validate([], Options(base="release"))
    git("checkout", "--orphan", "other")
    git("commit", "-m", "unrelated")
    with pytest.raises(UsageProblem, match="main and HEAD have no common ancestor"):
        validate([], Options(base="main"))


@pytest.mark.servers("one", "local")
def test_python_that_fails_names_its_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: Server
) -> None:
    monkeypatch.chdir(tmp_path)
    file = alembic_project.build(tmp_path, "{}['missing']")
    said = failed(validate(["0002"], Options(database_url=server.admin_url)))
    line = alembic_project.line(file, "missing")
    assert said.startswith(f"migrations/versions/0002_change.py:{line}: KeyError: 'missing'")


@pytest.mark.servers("one", "local")
@pytest.mark.parametrize("code", [f'op.execute("""SET statement_timeout = 0; {LOOP}""")', "while True: pass"])
def test_a_loop_ends(code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: Server) -> None:
    monkeypatch.chdir(tmp_path)
    alembic_project.build(tmp_path, code)
    said = failed(validate(["0002"], Options(database_url=server.admin_url, timeout=4)))
    assert said == "not done after 4 s; make it shorter, or allow it more: --timeout SECONDS"


@pytest.mark.servers("one", "local")
def test_a_loop_in_what_comes_before_ends_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: Server
) -> None:
    monkeypatch.chdir(tmp_path)
    alembic_project.build(tmp_path, "while True: pass")
    alembic_project.add(tmp_path, "0003", "pass")
    with pytest.raises(CannotRun, match="what comes before is not made after 4 s"):
        validate(["0003"], Options(database_url=server.admin_url, timeout=4))


@pytest.mark.servers("one", "local")
def test_an_engine_that_is_not_ours_to_take(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: Server
) -> None:
    monkeypatch.chdir(tmp_path)
    alembic_project.build(tmp_path, "pass")
    env = tmp_path / "migrations" / "env.py"
    env.write_text(
        env.read_text().replace('context.config.get_section("alembic")', '{"sqlalchemy.url": "sqlite://"}')
    )
    with pytest.raises(CannotRun, match=r"Alembic's env.py connects with sqlite\+pysqlite"):
        validate(["0002"], Options(database_url=server.admin_url))


def test_a_crash_of_the_server_spares_the_other_units(tmp_path: Path) -> None:
    (tmp_path / "a.sql").write_text(f"SELECT 1;\n{CRASH};\n")
    (tmp_path / "b.sql").write_text("SELECT 1;\n")
    (tmp_path / "base.sql").write_text("CREATE TABLE t (i int);\n")
    files = [str(tmp_path / "a.sql"), str(tmp_path / "b.sql")]
    report = validate(files, Options(setup=tmp_path / "base.sql"))
    crashed, fine = report.units
    stages = {stage.name: stage for stage in crashed.stages}
    assert stages["trace"].status is Status.FAILED
    assert f"{files[0]}:2: the server ended the connection" in stages["trace"].detail
    assert not [stage for stage in fine.stages if stage.status is Status.FAILED]
    assert exit_code(report) == 3


@pytest.mark.servers("one", "local")
def test_a_login_without_the_rights(server: Server) -> None:
    with server.admin() as connection:
        connection.execute("CREATE ROLE ctl_weak LOGIN")
    try:
        with pytest.raises(CannotRun, match="names no superuser"):
            validate([str(BASE)], Options(setup=BASE, database_url=server.url(user="ctl_weak")))
    finally:
        with server.admin() as connection:
            connection.execute("DROP ROLE ctl_weak")
