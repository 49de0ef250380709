"""Every tests/sql/**/*.sql on every server, each file in a clone of the migrated database.

psql runs the files and `pgtap_runner.py` reads their TAP; neither pytest-pgtap nor pg_prove is used:

- pytest-pgtap 0.4 holds one connection per session (so one server, and no database per file), wraps a
  transaction around the file's own BEGIN … ROLLBACK, passes a file without finish(), makes a skipped plan a
  skipped test, and prints DATABASE_URL, password included, at the head of each run.
- pg_prove is sound, but a Perl package that only some machines have, and it too accepts TODO, SKIP and a
  missing finish(). psql, which it would call anyway, comes with every server here, embedded ones included.
"""

import re
from pathlib import Path

import pgtap_runner
import pytest
from servers import Database, load_pgtap

SQL = Path(__file__).parents[1] / "sql"
FILES = sorted(SQL.rglob("*.sql"))

GOOD = "BEGIN; SELECT plan(1); SELECT pass('fine'); SELECT * FROM finish(); ROLLBACK;"
BAD = {
    "failure": (
        GOOD.replace("pass('fine')", "is(1, 2, 'one is two')"),
        "not ok 1 - one is two\n.*have: 1\n.*want: 2",
    ),
    "too few": (GOOD.replace("plan(1)", "plan(2)"), "planned 2, ran 1"),
    "too many": (GOOD.replace("SELECT plan(1);", "SELECT plan(1); SELECT pass('x');"), "planned 1, ran 2"),
    "no plan": ("BEGIN; SELECT 1; SELECT finish(); ROLLBACK;", "planned nothing, ran 0"),
    "no finish": (GOOD.replace("SELECT * FROM finish();", "-- finish()\n"), "calls no finish"),
    "error": (GOOD.replace("SELECT * FROM", "SELECT 1 / 0; SELECT * FROM"), "22012"),
    "no such function": (GOOD.replace("pass('fine')", "passs('fine')"), "42883"),
    "commit": (GOOD.replace("ROLLBACK;", "COMMIT;"), "commits"),
    "no transaction": (GOOD.replace("BEGIN; ", ""), "doesn't begin with BEGIN"),
    "open end": (GOOD.replace(" ROLLBACK;", ""), "doesn't end with ROLLBACK"),
    "todo": (GOOD.replace("SELECT pass", "SELECT todo('later', 1); SELECT fail"), "not ok 1 - fine"),
    "skip": (GOOD.replace("pass('fine')", "skip('later', 1)"), "proves nothing"),
    "skip all": (GOOD.replace("plan(1); SELECT pass('fine')", "skip_all('later')"), "ran 0"),
    "null": (GOOD.replace("pass('fine')", "ok(NULL, 'null')"), "not ok 1 - null"),
    "bail": (GOOD.replace("SELECT * FROM", "SELECT 'Bail out! so bad'; SELECT * FROM"), "Bail out! so bad"),
}

# What 00_schema.sql must find, and the words it finds it with.
SPOILT = {
    "CREATE TABLE attribution.extra ()": "the tables are those",
    "CREATE VIEW attribution.extra AS SELECT 1 AS one": "the views are those",
    "CREATE VIEW attribution.extra WITH (security_barrier) AS SELECT 1 AS one": "is security_invoker",
    "CREATE MATERIALIZED VIEW attribution.extra AS SELECT 1 AS one": "none is materialised",
    "ALTER TABLE attribution.revenue_ledger NO FORCE ROW LEVEL SECURITY": "row-level security is enabled and",
    "ALTER TABLE attribution.dead_events DISABLE ROW LEVEL SECURITY": "row-level security is enabled and",
    "CREATE TABLE attribution.extra (tenant_id uuid NOT NULL)": "row-level security is enabled and",
    "CREATE TABLE attribution.extra (tenant_id uuid)": "tenant_id is a uuid and never null",
    "DROP POLICY bound_login ON attribution.dead_events": "every tenant table has the permissive policy",
    "CREATE POLICY p ON attribution.dead_events USING (tenant_id IN (SELECT id FROM attribution.tenants))": (
        "no policy has a sub-select"
    ),
    "CREATE UNIQUE INDEX ON attribution.dead_events (correlation_id)": "every unique key",
    "ALTER TABLE attribution.dead_events ADD FOREIGN KEY (resolved_event_id, tenant_id)"
    " REFERENCES attribution.attribution_events (id, tenant_id)": "every foreign key between tenant tables",
    "ALTER TABLE attribution.dead_events ADD FOREIGN KEY (tenant_id) REFERENCES attribution.tenants": (
        "foreign keys to tenants cascade"
    ),
    "COMMENT ON COLUMN attribution.tenants.name IS NULL": "every column of every table",
    "COMMENT ON TABLE attribution.tenants IS NULL": "every table and view has a comment",
    "COMMENT ON FUNCTION attribution.current_tenant() IS NULL": "every function has a comment",
    "GRANT EXECUTE ON FUNCTION attribution.current_tenant() TO PUBLIC": "no function is executable by PUBLIC",
    "GRANT SELECT ON attribution.event_types TO PUBLIC": "PUBLIC may nothing",
    "GRANT TRUNCATE ON attribution.tenants TO attribution_app": "nobody but the owner may TRIGGER",
    "ALTER FUNCTION attribution.assert_tenant(uuid) RESET search_path": "pins its search_path",
    "ALTER FUNCTION attribution.assert_tenant(uuid) SET search_path = public": "pins its search_path",
    "ALTER FUNCTION attribution.assert_tenant(uuid) OWNER TO CURRENT_USER": "belongs to attribution_engine",
    "CREATE FUNCTION attribution.current_tenant(int) RETURNS int RETURN $1": "no function is overloaded",
}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(SQL).as_posix())
def test_file(path: Path, pgtap_db: Database) -> None:
    if faults := pgtap_runner.run(path, pgtap_db):
        pytest.fail("\n".join(faults), pytrace=False)


@pytest.mark.servers("one")
@pytest.mark.parametrize("statement", SPOILT)
def test_the_schema_file_finds(statement: str, pgtap_db: Database) -> None:
    with pgtap_db.connect() as conn:
        conn.execute(statement.encode())
    faults = pgtap_runner.run(SQL / "00_schema.sql", pgtap_db)
    assert [fault for fault in faults if re.search(rf"not ok \d+ - .*{SPOILT[statement]}", fault)]


def test_there_are_files() -> None:
    assert FILES


def test_names_are_said_once() -> None:
    names = [path.name for path in FILES]
    assert len(names) == len(set(names))


def test_the_runner_finds_every_kind_of_fault(blank: Database, tmp_path: Path) -> None:
    load_pgtap(blank)
    found = {}
    for name, (script, _) in {"good": (GOOD, ""), **BAD}.items():
        path = tmp_path / f"{name}.sql"
        path.write_text(script)
        found[name] = "\n".join(pgtap_runner.run(path, blank))
    assert not found.pop("good")
    missed = {
        name: found[name]
        for name, (_, expected) in BAD.items()
        if not re.search(expected, found[name], re.DOTALL)
    }
    assert not missed
