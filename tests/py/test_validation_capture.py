"""What is captured: every way in which a revision or a file sends SQL, and where that was written."""

from collections.abc import Callable
from pathlib import Path

import alembic_project
import pytest
from servers import Server

from controlplane.validation import capture, sandbox
from controlplane.validation.capture import Recorder
from controlplane.validation.history import History
from controlplane.validation.model import CapturedStatement

pytestmark = pytest.mark.servers("one")
Capture = Callable[[str], tuple[Path, list[CapturedStatement]]]
WAYS = {
    "op.execute": ('op.execute("SELECT 1")', ["SELECT 1"]),
    "several statements at once": ('op.execute("SELECT 1; SELECT 2")', ["SELECT 1", "SELECT 2"]),
    "op.get_bind": ('op.get_bind().execute(sa.text("SELECT :n + 1"), {"n": 1})', ["SELECT 1 + 1"]),
    "exec_driver_sql": ('op.get_bind().exec_driver_sql("SELECT 1")', ["SELECT 1"]),
    "a raw cursor": ("op.get_bind().connection.cursor().execute(\"SELECT '%', ':n'\")", ["SELECT '%', ':n'"]),
    "parameters": (
        'op.get_bind().connection.cursor().execute("SELECT %s, %s", ["it\'s", None])',
        ["SELECT 'it''s', NULL"],
    ),
    "many parameters": (
        'op.get_bind().connection.cursor().executemany("SELECT %s", [[1], [2]])',
        ["SELECT 1", "SELECT 2"],
    ),
    "bulk_insert": (
        'op.bulk_insert(sa.table("lookup", sa.column("k"), schema="attr"), [{"k": "a"}, {"k": "b"}])',
        ["INSERT INTO attr.lookup (k) VALUES ('a')", "INSERT INTO attr.lookup (k) VALUES ('b')"],
    ),
    "op.drop_column": (
        'op.drop_column("lookup", "v", schema="attr")', ["ALTER TABLE attr.lookup DROP COLUMN v"],
    ),
    "COPY": (
        'cursor = op.get_bind().connection.cursor()\n'
        'with cursor.copy("COPY attr.lookup (k) FROM STDIN") as copy:\n    copy.write("new")',
        ["COPY attr.lookup (k) FROM STDIN"],
    ),
    "a savepoint": (
        'with op.get_bind().begin_nested():\n    op.execute("SELECT 1")',
        ["SAVEPOINT sa_savepoint_1", "SELECT 1", "RELEASE SAVEPOINT sa_savepoint_1"],
    ),
}  # fmt: skip


@pytest.fixture
def capturing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: Server) -> Capture:
    """Run the upgrade of 0002 with these lines, and give its file and what was captured of it."""

    def run(up: str) -> tuple[Path, list[CapturedStatement]]:
        file = alembic_project.build(tmp_path, up)
        monkeypatch.chdir(tmp_path)
        history = History()
        with sandbox.opened(server.admin_url) as box:
            scratch, recorder = box.create(), Recorder(sent=box.sent)
            history.upgrade(scratch, "0001", Recorder(sent=box.sent), 60)
            history.upgrade(scratch, "0002", recorder, 60)
            box.drop(scratch)
        return file, recorder.statements

    return run


@pytest.mark.parametrize("way", WAYS)
def test_every_way_is_seen(way: str, capturing: Capture) -> None:
    up, expected = WAYS[way]
    file, statements = capturing(up)
    assert [one.sql for one in statements] == ["SET LOCAL lock_timeout = '2s'", *expected, "COMMIT"]
    first = alembic_project.line(file, up.splitlines()[0])
    last = first + len(up.splitlines()) - 1
    for one in statements[1:-1]:
        assert one.location.file == "migrations/versions/0002_change.py"
        assert first <= (one.location.line or 0) <= last
        assert (one.direction, one.revision, one.in_transaction) == ("upgrade", "0002", True)


def test_a_statement_of_several_lines_has_its_own(capturing: Capture) -> None:
    file, statements = capturing('op.execute("""\n    SELECT 1;\n\n    SELECT\n        2\n""")')
    assert [one.location.line for one in statements[1:3]] == [
        alembic_project.line(file, "SELECT 1"),
        alembic_project.line(file, "SELECT 1") + 2,
    ]


def test_outside_of_transactions(capturing: Capture) -> None:
    index = 'op.create_index("i", "lookup", ["v"], schema="attr", postgresql_concurrently=True)'
    _, statements = capturing(
        f'with op.get_context().autocommit_block():\n    {index}\nop.execute("SELECT 1")'
    )
    texts = [(one.sql, one.in_transaction) for one in statements]
    assert ("CREATE INDEX CONCURRENTLY i ON attr.lookup (v)", False) in texts
    assert texts[-2:] == [("SELECT 1", True), ("COMMIT", True)]
    assert texts.count(("COMMIT", True)) == 2  # before the block, and at the end


def test_an_sql_file_is_named_with_its_lines(capturing: Capture, tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / ".venv"):  # an installed copy is not where it was written
        folder.mkdir(exist_ok=True)
        (folder / "change.sql").write_text("-- why\n\nSELECT 1;\nSELECT\n  2;\n")
    up = 'from pathlib import Path\nop.execute(Path("change.sql").read_text())'
    _, statements = capturing(up)
    places = [(one.sql, str(one.location)) for one in statements[1:3]]
    assert places == [("SELECT 1", "change.sql:3"), ("SELECT\n  2", "change.sql:4")]


def test_no_connection_leads_to_the_configured_database(capturing: Capture) -> None:
    """The project's URL names a host that doesn't exist: connecting there would fail."""
    assert "nowhere.invalid" in alembic_project.INI
    up = 'from alembic import context\nsa.create_engine(context.config.get_main_option("sqlalchemy.url"))'
    capturing(f"{up}.connect().close()")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SELECT 1;", [True]),
        ("-- expect: SAFE | why | no tx\nSELECT 1;", [False]),
        ("-- in tx\nSELECT 1;", [True]),
        ("SELECT 1; BEGIN; SELECT 2; COMMIT; SELECT 3;", [False, False, True, True, False]),
        ("SELECT 1; COMMIT; SELECT 2;", [True, True, False]),
        ("CREATE TABLE t (i int); CREATE INDEX CONCURRENTLY i ON t (i); SELECT 1;", [False, False, False]),
        ("VACUUM; SELECT 1;", [False, False]),
    ],
)
def test_transactions_of_a_file(text: str, expected: list[bool], tmp_path: Path, server: Server) -> None:
    file = tmp_path / "a.sql"
    file.write_text(text)
    recorder = Recorder()
    with sandbox.opened(server.admin_url) as box:
        scratch = box.create()
        with capture.connected(scratch.url, recorder, 60) as connection:
            capture.run_file(file, connection, recorder)
        box.drop(scratch)
    assert [one.in_transaction for one in recorder.statements][: len(expected)] == expected
