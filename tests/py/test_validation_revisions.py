"""Dangers injected into an Alembic history: each is found, at its file and line; safe revisions pass."""

from collections.abc import Callable
from pathlib import Path

import alembic_project
import pytest
from servers import Server

from controlplane.validation.model import Evidence, Finding, Report, Severity, Status
from controlplane.validation.runner import Options, validate

pytestmark = pytest.mark.servers("one")
TENANT = "tenant_id = current_setting('app.tenant_id', true)::bigint"
REFUSE = """
op.execute('''
    CREATE OR REPLACE FUNCTION attr.forbid_mutation() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION 'append only'; END $$
''')
"""
LET_PASS = """
op.execute('''
    CREATE OR REPLACE FUNCTION attr.forbid_mutation() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF current_setting('app.repair', true) IS NULL THEN RETURN coalesce(NEW, OLD); END IF;
        RAISE EXCEPTION 'append only';
    END $$
''')
"""
Judge = Callable[..., tuple[Path, Report]]
Case = tuple[str, str, str, str, Evidence]
# What is injected: upgrade, downgrade; and what is expected: the rule, words of its line, the evidence.
DANGERS: dict[str, Case] = {
    "a lossy downgrade": (
        'op.execute("ALTER TABLE attr.touchpoints ALTER COLUMN code TYPE text")',
        'op.execute("ALTER TABLE attr.touchpoints ALTER code TYPE varchar(20) USING left(code, 3)")',
        "RV003", "left(code, 3)", Evidence.MEASURED,
    ),
    "a downgrade that loses rows": (
        'op.add_column("lookup", sa.Column("n", sa.Integer()), schema="attr")',
        'op.drop_column("lookup", "n", schema="attr")\nop.execute("DELETE FROM attr.lookup WHERE v = \'v\'")',
        "RV003", "DELETE", Evidence.MEASURED,
    ),
    "FORCE not undone": (
        'op.execute("ALTER TABLE attr.touchpoints NO FORCE ROW LEVEL SECURITY")',
        'op.execute("COMMENT ON TABLE attr.lookup IS NULL")',
        "RV002", "NO FORCE", Evidence.MEASURED,
    ),
    "a policy recreated as true": (
        'op.execute("DROP POLICY tenant_isolation ON attr.touchpoints")\n'
        'op.execute("CREATE POLICY tenant_isolation ON attr.touchpoints USING (true)")',
        'op.execute("DROP POLICY tenant_isolation ON attr.touchpoints")\n'
        f'op.execute("CREATE POLICY tenant_isolation ON attr.touchpoints USING ({TENANT})")',
        "SE003", "(true)", Evidence.MEASURED,
    ),
    "a policy that the downgrade recreates as true": (
        'op.execute("DROP POLICY tenant_isolation ON attr.touchpoints")\n'
        f'op.execute("CREATE POLICY tenant_isolation ON attr.touchpoints USING ({TENANT})")',
        'op.execute("DROP POLICY tenant_isolation ON attr.touchpoints")\n'
        'op.execute("CREATE POLICY tenant_isolation ON attr.touchpoints USING (true)")',
        "RV002", "(true)", Evidence.MEASURED,
    ),
    "a DELETE that depends on the data": (
        "bind = op.get_bind()\n"
        'newest = bind.execute(sa.text("SELECT max(id) FROM attr.touchpoints")).scalar()\n'
        'bind.execute(sa.text("DELETE FROM attr.touchpoints WHERE id < :newest"), {"newest": newest})',
        "pass", "DL011", "DELETE", Evidence.MEASURED,
    ),
    "a guard function neutered": (LET_PASS, REFUSE, "SE006", "CREATE OR REPLACE", Evidence.MEASURED),
    "a grant to PUBLIC": (
        'op.execute("GRANT SELECT ON attr.touchpoints TO PUBLIC")',
        'op.execute("REVOKE SELECT ON attr.touchpoints FROM PUBLIC")',
        "SE007", "TO PUBLIC", Evidence.MEASURED,
    ),
    "a trigger disabled": (
        'op.execute("ALTER TABLE attr.ledger DISABLE TRIGGER ledger_append_only")',
        'op.execute("ALTER TABLE attr.ledger ENABLE TRIGGER ledger_append_only")',
        "SE005", "DISABLE TRIGGER", Evidence.MEASURED,
    ),
    "a batch operation that drops a column": (
        'with op.batch_alter_table("touchpoints", schema="attr") as batch:\n    batch.drop_column("email")',
        'op.add_column("touchpoints", sa.Column("email", sa.Text()), schema="attr")',
        "DL002", "with op.batch_alter_table", Evidence.MEASURED,
    ),
    "a raw cursor that drops a table": (
        'cursor = op.get_bind().connection.cursor()\ncursor.execute("DROP TABLE attr.lookup")',
        "pass", "DL001", "DROP TABLE", Evidence.MEASURED,
    ),
    "dynamic SQL of what is in the catalogue": (
        'query = sa.text("SELECT relname FROM pg_class WHERE relname = \'lookup\'")\n'
        "for (name,) in op.get_bind().execute(query):\n"
        '    op.execute(f"TRUNCATE attr.{name}")',
        "pass", "DL006", "TRUNCATE", Evidence.MEASURED,
    ),
    "an existing function that drops": (
        'op.execute("SELECT attr.purge_everything()")',
        "pass", "DL001", "purge_everything", Evidence.MEASURED,
    ),
    "an index built in the way of writers": (
        'op.create_index("tp_email", "touchpoints", ["email"], schema="attr")',
        'with op.get_context().autocommit_block():\n'
        '    op.drop_index("tp_email", schema="attr", postgresql_concurrently=True)',
        "LK003", "create_index", Evidence.MEASURED,
    ),
    "a downgrade that fails on new rows": (
        'op.execute("ALTER TABLE attr.lookup ALTER COLUMN v TYPE varchar(90)")',
        'op.execute("ALTER TABLE attr.lookup ADD CONSTRAINT v_short CHECK (length(v) < 9) NOT VALID")\n'
        'op.execute("UPDATE attr.lookup SET v = v WHERE length(v) > 9")',
        "CP013", "UPDATE", Evidence.MEASURED,
    ),
    "no way back": (
        'op.add_column("lookup", sa.Column("n", sa.Integer()), schema="attr")',
        "raise NotImplementedError", "RV001", "def downgrade", Evidence.INFERRED,
    ),
    "a way back that can't be gone again": (
        'op.execute("CREATE TABLE attr.notes (id int)")', 'op.execute("SELECT 1")', "RV004", "CREATE TABLE",
        Evidence.MEASURED,
    ),
}  # fmt: skip
SAFE = {
    "a column": (
        'op.add_column("touchpoints", sa.Column("note", sa.Text()), schema="attr")',
        'op.drop_column("touchpoints", "note", schema="attr")',
    ),
    "an index outside of transactions": (
        'options = {"schema": "attr", "postgresql_concurrently": True}\n'
        "with op.get_context().autocommit_block():\n"
        '    op.create_index("tp_email", "touchpoints", ["email"], **options)',
        'with op.get_context().autocommit_block():\n'
        '    op.drop_index("tp_email", schema="attr", postgresql_concurrently=True)',
    ),
    "a table with rows": (
        'table = op.create_table("t", sa.Column("id", sa.BigInteger(), primary_key=True), schema="attr")\n'
        'op.bulk_insert(table, [{"id": 1}, {"id": 2}])',
        'op.drop_table("t", schema="attr")',
    ),
    "a comment with a colon and a percent sign": (
        "op.get_bind().exec_driver_sql(\"COMMENT ON TABLE attr.lookup IS '100%% :sure'\", {})",
        "op.execute(\"COMMENT ON TABLE attr.lookup IS NULL\")",
    ),
}  # fmt: skip


@pytest.fixture
def judge(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: Server) -> Judge:
    """Write the project with revision 0002 and judge that."""

    def run(up: str, down: str, more: str = "") -> tuple[Path, Report]:
        file = alembic_project.build(tmp_path, up, down, more)
        monkeypatch.chdir(tmp_path)
        return file, validate(["0002"], Options(database_url=server.admin_url))

    return run


def said(report: Report) -> list[str]:
    return [f"{one.rule} {one.location} {one.evidence} {one.message}" for one in report.findings()]


@pytest.mark.parametrize("danger", DANGERS)
def test_is_found_at_its_line(danger: str, judge: Judge) -> None:
    up, down, rule, words, evidence = DANGERS[danger]
    file, report = judge(up, down)

    def fits(found: Finding) -> bool:
        line = (found.location.line or 0) - 1
        text = file.read_text().splitlines()
        near = " ".join(text[line : line + 3])  # a statement's own line, or that of the call around it
        return found.rule == rule and words in near and found.evidence is evidence

    assert any(fits(found) for found in report.findings()), said(report)
    assert all(found.location.file == "migrations/versions/0002_change.py" for found in report.findings())
    assert report.verdict == "unsafe"


@pytest.mark.parametrize("change", SAFE)
def test_safe_revisions_pass(change: str, judge: Judge) -> None:
    _, report = judge(*SAFE[change])
    assert [one for one in report.findings() if one.severity is not Severity.INFO] == [], said(report)
    (unit,) = report.units
    assert unit.round_trip.startswith("up, down and up again: nothing differs")
    stages = {stage.name: stage.status for stage in unit.stages}
    assert stages["trace"] is stages["security"] is stages["history"] is Status.PASSED


def test_a_reason_stands_in_for_a_downgrade(judge: Judge) -> None:
    up = 'op.add_column("lookup", sa.Column("n", sa.Integer()), schema="attr")'
    _, report = judge(up, "raise NotImplementedError", 'IRREVERSIBLE = "nobody goes back"')
    assert said(report) == []
    assert report.units[0].round_trip == "irreversible: nobody goes back"
    assert {stage.name: stage.status for stage in report.units[0].stages}["roundtrip"] is Status.NOT_RUN
