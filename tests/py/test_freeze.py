"""`ctl sql freeze`: what changed in sql/ becomes a revision, up and down; a released one stays as it is."""

import subprocess
from pathlib import Path

import psycopg
import pytest
import tree
from servers import Database

from controlplane import freeze, migrations, objects, resources, sql_check, sqltext
from controlplane.errors import CannotRun, CtlError

GUARD, TWICE, VIEW = "functions/10_sale/guard.sql", "functions/10_sale/twice.sql", "views/sales.sql"
one_server = pytest.mark.servers("one")


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return tree.build(tmp_path / "a tree", monkeypatch)


def lines(root: Path, revision: str) -> list[list[str]]:
    """The calls of a revision's upgrade and downgrade."""
    text = next((root / "alembic/versions").glob(f"{revision}_*.py")).read_text()
    return [
        [line.strip() for line in part.splitlines() if line.startswith(("    apply(", "    drop("))]
        for part in text.split("def downgrade")
    ]


def fingerprint(url: str) -> objects.Fingerprint:
    with psycopg.connect(url) as connection:
        return objects.fingerprint(connection)


def test_first_revision_lists_the_manifest_but_for_what_it_applies_by_hand(root: Path) -> None:
    up, down = lines(root, "0001")
    listed = [path for path in objects.manifest() if path != TWICE]
    assert up[2:] == [f'apply("0001", "{path}")' for path in listed]
    assert down[:-2] == [f'drop("0001", "{path}")' for path in reversed(listed)]


def test_nothing_changed(root: Path) -> None:
    assert freeze.freeze("Nothing") is None
    assert migrations.revisions() == ["0001"]


@one_server
def test_a_changed_body_is_replaced_and_comes_back(root: Path, blank: Database) -> None:
    migrations.upgrade(blank.url)
    before = fingerprint(blank.url)
    tree.edit(root, f"sql/{GUARD}", "final", "quite final")
    frozen = freeze.freeze("Say it's final, quite")
    assert frozen == freeze.Frozen("0002", "alembic/versions/0002_say_it_s_final_quite.py", [GUARD], [])
    assert lines(root, "0002") == [[f'apply("0002", "{GUARD}")'], [f'apply("0001", "{GUARD}")']]
    migrations.upgrade(blank.url)
    assert fingerprint(blank.url) != before
    assert sql_check.check(blank.url) == []
    migrations.downgrade(blank.url, "0001")
    assert fingerprint(blank.url) == before


@one_server
def test_added_removed_resigned_and_reshaped(root: Path, blank: Database) -> None:
    migrations.upgrade(blank.url)
    before = fingerprint(blank.url)
    tree.edit(root, f"sql/{VIEW}", "SELECT s.id", "SELECT 1 AS one, s.id")
    tree.edit(root, f"sql/{GUARD}", "attribution.guard()\n", "attribution.guarded()\n")
    tree.edit(
        root,
        f"sql/{GUARD}",
        "COMMENT ON FUNCTION attribution.guard()",
        "COMMENT ON FUNCTION attribution.guarded()",
    )
    tree.edit(root, "sql/triggers/sale_guard.sql", "attribution.guard()", "attribution.guarded()")
    (root / "sql/policies/sale.sql").unlink()
    (root / "sql/views/more.sql").write_text("CREATE OR REPLACE VIEW attribution.more AS SELECT 1 AS one;\n")
    tree.edit(root, "sql/manifest.txt", "policies/sale.sql\n", "")
    tree.edit(root, "sql/manifest.txt", f"{VIEW}\n", f"{VIEW}\nviews/more.sql\n")
    freeze.freeze("Much")
    up, _ = lines(root, "0002")
    assert up == [
        'drop("0001", "views/sales.sql")', 'drop("0001", "policies/sale.sql")', f'drop("0001", "{GUARD}")',
        f'apply("0002", "{GUARD}")', 'apply("0002", "triggers/sale_guard.sql")',
        'apply("0002", "views/sales.sql")', 'apply("0002", "views/more.sql")',
    ]  # fmt: skip
    with pytest.raises(CtlError, match=r"functions/10_sale/guard\.sql") as failure:
        migrations.upgrade(blank.url)
    assert failure.value.sqlstate == "2BP01"
    assert "trigger sale_guard on table attribution.sale depends on function" in failure.value.detail
    assert fingerprint(blank.url) == before
    # The author says by hand what no generator can know: outside the block, so that --amend keeps it.
    revision = next((root / "alembic/versions").glob("0002_*.py"))
    text = revision.read_text()
    for call, revision_of in (("upgrade", "0001"), ("downgrade", "0002")):
        header = f"def {call}() -> None:\n"
        text = text.replace(header, f'{header}    drop("{revision_of}", "triggers/sale_guard.sql")\n')
    revision.write_text(text)
    freeze.freeze("", amend=True)
    assert lines(root, "0002")[0] == ['drop("0001", "triggers/sale_guard.sql")', *up]
    migrations.upgrade(blank.url)
    assert sql_check.check(blank.url) == []
    migrations.downgrade(blank.url, "0001")
    assert fingerprint(blank.url) == before


def test_amend_freezes_again_and_forgets_what_is_gone(root: Path) -> None:
    tree.edit(root, f"sql/{GUARD}", "final", "quite final")
    tree.edit(root, f"sql/{VIEW}", "s.id", "s.id AS sale")
    freeze.freeze("Two things")
    tree.edit(root, f"sql/{VIEW}", "s.id AS sale", "s.id")
    frozen = freeze.freeze("", amend=True)
    assert frozen is not None
    assert (frozen.revision, frozen.changed) == ("0002", [GUARD])
    assert [path.name for path in (root / "alembic/snapshots/0002").rglob("*.sql")] == ["guard.sql"]
    assert lines(root, "0002") == [[f'apply("0002", "{GUARD}")'], [f'apply("0001", "{GUARD}")']]


def test_amend_is_refused_once_released(root: Path) -> None:
    def git(*arguments: str) -> None:
        identity = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"]
        subprocess.run(["git", *identity, *arguments], cwd=root, check=True, capture_output=True)

    git("init")
    git("add", ".")
    git("commit", "-m", "Start", "--no-verify")
    freeze.freeze("", amend=True)
    git("tag", "v1.0")
    tree.edit(root, f"sql/{GUARD}", "final", "quite final")
    with pytest.raises(CtlError, match=r"alembic/versions/0001_engine.py is in release v1.0"):
        freeze.freeze("", amend=True)
    assert freeze.freeze("A new one") is not None


def test_an_installed_wheel_cannot_freeze(root: Path) -> None:
    (resources.PACKAGE / "_sql").mkdir(parents=True)
    with pytest.raises(CannotRun, match="only a checkout"):
        freeze.freeze("Anything")


def test_pending_names_each_file(root: Path) -> None:
    tree.edit(root, f"sql/{GUARD}", "final", "quite final")
    tree.edit(root, "sql/manifest.txt", "policies/sale.sql\n", "policies/new.sql\n")
    (root / "sql/policies/sale.sql").rename(root / "sql/policies/new.sql")
    assert freeze.pending() == {
        GUARD: "has changed since revision 0001 froze it: run ctl sql freeze",
        "policies/new.sql": "is in no revision: run ctl sql freeze",
        "policies/sale.sql": "is gone, but revision 0001 creates it",
    }


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (f"{VIEW}\nviews/none.sql", "views/none.sql is listed but missing"),
        (f"{VIEW}\n{VIEW}", f"{VIEW} is listed twice"),
        ("", f"{VIEW} is not listed"),
    ],
)
def test_manifest_lists_each_file_once(root: Path, edit: str, message: str) -> None:
    tree.edit(root, "sql/manifest.txt", VIEW, edit)
    with pytest.raises(CtlError, match=message):
        objects.manifest()


def test_what_a_file_creates() -> None:
    text = """
    -- CREATE VIEW attribution.no AS
/* CREATE VIEW attribution.neither AS */
CREATE OR REPLACE FUNCTION attribution.f(p_a text DEFAULT 'x;y $$', p_b int DEFAULT 1)
RETURNS TABLE (a int)
LANGUAGE plpgsql
AS $f$
CREATE VIEW attribution.nor_this AS SELECT ';';
$f$;
CREATE FUNCTION attribution.g() RETURNS int
BEGIN ATOMIC
    SELECT 1;
    SELECT 2;
END;
CREATE CONSTRAINT TRIGGER t AFTER INSERT ON attribution.s EXECUTE FUNCTION attribution.f();
create policy p on attribution.s as restrictive using (true);
"""
    created = sqltext.created(text)
    assert [item.drop for item in created] == [
        "DROP FUNCTION attribution.f;",
        "DROP FUNCTION attribution.g;",
        "DROP TRIGGER t ON attribution.s;",
        "DROP POLICY p ON attribution.s;",
    ]
    assert created[0].signature == (
        "CREATE OR REPLACE FUNCTION attribution.f(p_a text DEFAULT 'x;y $$', p_b int DEFAULT 1) "
        "RETURNS TABLE (a int)"
    )
    assert created[0].body == "\nCREATE VIEW attribution.nor_this AS SELECT ';';\n"
    assert created[1].statement.endswith("SELECT 2;\nEND;")
    assert created[1].body is None
