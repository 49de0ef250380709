"""`ctl sql check`: sql/, the migrations and a database are the same, and every kind of drift is named."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import tree
from click.testing import CliRunner
from servers import Database, Server

from controlplane import migrations, objects, sql_check
from controlplane.cli import main
from controlplane.errors import CannotRun

LONG = "x" * 70  # catalog names are cut at 63 bytes; values must not be

# (what is done behind our back, the drifts it must be named by)
DRIFTS = {
    "body": (
        "DO $do$ BEGIN EXECUTE replace(pg_get_functiondef('attribution.forbid_mutation'::regproc), "
        "E'BEGIN\\n', E'BEGIN\\n    RETURN NULL;\\n'); END $do$",
        ["function attribution.forbid_mutation(): body differs: live line "],
    ),
    "SQL-standard body": (
        "CREATE OR REPLACE FUNCTION attribution.current_tenant() RETURNS uuid "
        "LANGUAGE sql STABLE PARALLEL SAFE RETURN '00000000-0000-0000-0000-000000000001'::uuid",
        ["function attribution.current_tenant(): body differs: live \"RETURN '00000000-"],
    ),
    "the end of a long body": (
        "DO $do$ BEGIN EXECUTE replace(pg_get_functiondef('attribution.assert_tenant(uuid)'::regprocedure), "
        "'list_tenants().', 'list_tenants()!'); END $do$",
        ["function attribution.assert_tenant(p_tenant uuid): body differs: live line "],
    ),
    "comment": (
        "COMMENT ON FUNCTION attribution.list_tenants() IS 'Whatever'",
        ['function attribution.list_tenants(): comment differs: live "Whatever", expected "'],
    ),
    "comment gone": (
        "COMMENT ON COLUMN attribution.tenants.name IS NULL",
        ["column attribution.tenants.name: comment differs: live nothing, expected "],
    ),
    "grant": (
        "GRANT SELECT ON attribution.tenants TO PUBLIC",
        ['table attribution.tenants: grants to PUBLIC differs: live "SELECT", expected nothing'],
    ),
    "grant on a function": (
        "GRANT EXECUTE ON FUNCTION attribution.list_tenants() TO attribution_app",
        [
            "function attribution.list_tenants(): grants to attribution_app differs: "
            'live "EXECUTE", expected nothing'
        ],
    ),
    "grant on a column": (
        "GRANT UPDATE (name) ON attribution.tenants TO attribution_reader",
        ["column attribution.tenants.name: grants differs: live "],
    ),
    "revoke": (
        "REVOKE EXECUTE ON FUNCTION attribution.list_tenants() FROM attribution_admin",
        ["function attribution.list_tenants(): grants to attribution_admin differs: live nothing, expected "],
    ),
    "volatility": (
        "ALTER FUNCTION attribution.current_tenant() IMMUTABLE",
        ['function attribution.current_tenant(): volatility differs: live "IMMUTABLE", expected "STABLE"'],
    ),
    "parallel": (
        "ALTER FUNCTION attribution.current_tenant() PARALLEL UNSAFE",
        ['function attribution.current_tenant(): parallel differs: live "UNSAFE", expected "SAFE"'],
    ),
    "security": (
        "ALTER FUNCTION attribution.set_tenant(uuid) SECURITY INVOKER",
        [
            "function attribution.set_tenant(p_tenant uuid): security differs: "
            'live "INVOKER", expected "DEFINER"'
        ],
    ),
    "search_path": (
        "ALTER FUNCTION attribution.set_tenant(uuid) SET search_path = public",
        [
            'function attribution.set_tenant(p_tenant uuid): search_path differs: live "public", '
            'expected "attribution, pg_temp"'
        ],
    ),
    "owner": (
        "ALTER FUNCTION attribution.current_tenant() OWNER TO attribution_engine",
        [
            "function attribution.current_tenant(): grants to attribution_owner differs: live nothing, ",
            'function attribution.current_tenant(): owner differs: live "attribution_engine", expected "',
        ],
    ),
    "disabled trigger": (
        "ALTER TABLE attribution.revenue_ledger DISABLE TRIGGER revenue_ledger_append_only",
        [
            "trigger revenue_ledger_append_only on attribution.revenue_ledger: state differs: "
            'live "DISABLED", expected "ENABLE ALWAYS"'
        ],
    ),
    "trigger gone": (
        "DROP TRIGGER tenants_kept ON attribution.tenants",
        ["trigger tenants_kept on attribution.tenants: missing from live"],
    ),
    "RLS off": (
        "ALTER TABLE attribution.tenants DISABLE ROW LEVEL SECURITY",
        ['table attribution.tenants: row-level security differs: live "false", expected "true"'],
    ),
    "RLS not forced": (
        "ALTER TABLE attribution.tenants NO FORCE ROW LEVEL SECURITY",
        ['table attribution.tenants: forced row-level security differs: live "false", expected "true"'],
    ),
    "policy": (
        "ALTER POLICY tenant_isolation ON attribution.attribution_events USING (true)",
        [
            "policy tenant_isolation on attribution.attribution_events: using differs: "
            'live "true", expected "('
        ],
    ),
    "policy's roles": (
        "ALTER POLICY engine ON attribution.attribution_events TO PUBLIC",
        [
            'policy engine on attribution.attribution_events: roles differs: live "PUBLIC", '
            'expected "attribution_engine"'
        ],
    ),
    "policy gone": (
        "DROP POLICY bound_login ON attribution.attribution_events",
        ["policy bound_login on attribution.attribution_events: missing from live"],
    ),
    "extra policy": (
        "CREATE POLICY backdoor ON attribution.tenants USING (true)",
        ["policy backdoor on attribution.tenants: only in live"],
    ),
    "extra function": (
        "CREATE FUNCTION attribution.backdoor(p_a int) RETURNS int LANGUAGE sql RETURN 1",
        ["function attribution.backdoor(p_a integer): only in live"],
    ),
    "extra trigger": (
        "CREATE TRIGGER spy BEFORE INSERT ON attribution.tenants FOR EACH ROW "
        "EXECUTE FUNCTION attribution.forbid_mutation()",
        ["trigger spy on attribution.tenants: only in live"],
    ),
    "extra table": (
        "CREATE TABLE attribution.loot (id int PRIMARY KEY)",
        ["table attribution.loot: only in live"],
    ),
    "extra rule": (
        "CREATE RULE swallow AS ON INSERT TO attribution.tenants DO INSTEAD NOTHING",
        ["rule swallow on attribution.tenants: only in live"],
    ),
    "extra enum": (
        "CREATE TYPE attribution.mood AS ENUM ('good')",
        ["enum attribution.mood: only in live"],
    ),
    "missing view": (
        "DROP VIEW attribution.allocation_summary CASCADE",
        ["view attribution.allocation_summary: missing from live"],
    ),
    "view's options": (
        "ALTER VIEW attribution.allocation_summary RESET (security_invoker)",
        ["view attribution.allocation_summary: options differs: live nothing, expected "],
    ),
    "column's default": (
        "ALTER TABLE attribution.tenants ALTER time_zone SET DEFAULT 'Europe/Berlin'",
        ["column attribution.tenants.time_zone: default differs: live \"'Europe/Berlin'::text\", expected "],
    ),
    "not null": (
        "ALTER TABLE attribution.tenants ALTER name DROP NOT NULL",
        ['column attribution.tenants.name: not null differs: live "false", expected "true"'],
    ),
    "extra column": (
        "ALTER TABLE attribution.tenants ADD COLUMN extra int",
        ["column attribution.tenants.extra: only in live"],
    ),
    "constraint gone": (
        "ALTER TABLE attribution.tenants DROP CONSTRAINT tenants_settings_mode",
        ["constraint tenants_settings_mode on attribution.tenants: missing from live"],
    ),
    "constraint": (
        "ALTER TABLE attribution.tenants DROP CONSTRAINT tenants_settings_mode, "
        f"ADD CONSTRAINT tenants_settings_mode CHECK (name <> '{LONG}') NOT VALID",
        [
            "constraint tenants_settings_mode on attribution.tenants: definition differs: "
            f"live \"CHECK ((name <> '{LONG}'::text)) NOT VALID\", expected ",
            "constraint tenants_settings_mode on attribution.tenants: validated differs: "
            'live "false", expected "true"',
        ],
    ),
    "index gone": (
        "DROP INDEX attribution.tenant_logins_role",
        ["index tenant_logins_role on attribution.tenant_logins: missing from live"],
    ),
    "schema's grants": (
        "GRANT CREATE ON SCHEMA attribution TO attribution_app",
        ['schema attribution: grants to attribution_app differs: live "CREATE, USAGE", expected "USAGE"'],
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def migrated(server: Server) -> Iterator[psycopg.Connection[Any]]:
    """A database for tests that roll back what they do to it."""
    with server.database("migrated") as database, psycopg.connect(database.url) as connection:
        yield connection


@pytest.mark.parametrize("kind", DRIFTS)
def test_a_drift_is_named(migrated: psycopg.Connection[Any], kind: str) -> None:
    statement, lines = DRIFTS[kind]
    expected = objects.fingerprint(migrated)
    with migrated.transaction(force_rollback=True):
        migrated.execute(statement.encode())
        found = objects.fingerprint(migrated)
    drifts = objects.differences(expected, found, expected_name="expected", found_name="live")
    named = [str(drift) for drift in drifts]
    assert len(named) == len(lines), named
    for line, found in zip(lines, named, strict=True):
        assert found.startswith(line)
        assert "\n" not in found


def test_head_equals_sql_and_a_migrated_database(db: Database) -> None:
    assert sql_check.check(db.url) == []
    with db.server.admin() as connection:
        query = "SELECT count(*) FROM pg_database WHERE datname LIKE 'ctl_scratch_%'"
        assert connection.execute(query).fetchone() == (0,)


@pytest.mark.servers("one")
def test_the_command_names_the_drifts_and_exits_1(db: Database) -> None:
    with db.connect() as connection:
        connection.execute("DROP POLICY bound_login ON attribution.tenants")
        connection.execute("COMMENT ON SCHEMA attribution IS 'Ours'")
    done = CliRunner().invoke(main, ["sql", "check", "--database-url", db.url])
    assert done.exit_code == 1
    first, second, summary = done.output.splitlines()
    assert first == "policy bound_login on attribution.tenants: missing from live"
    assert second.startswith('schema attribution: comment differs: live "Ours", expected "pg-attribution')
    assert summary == "sql/, migrations and database: 2 drifts"
    done = CliRunner().invoke(main, ["sql", "check", "--json", "--database-url", db.url])
    assert json.loads(done.output)["drifts"][0] == {
        "object": "policy bound_login on attribution.tenants", "detail": "missing from live",
    }  # fmt: skip
    assert CliRunner().invoke(main, ["sql", "check", "--no-live", "--database-url", db.url]).exit_code == 0


@pytest.mark.servers("one")
def test_edits_of_sql_that_were_not_frozen(
    blank: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tree.build(tmp_path, monkeypatch)
    migrations.upgrade(blank.url)
    assert sql_check.check(blank.url) == []
    tree.edit(root, "sql/functions/10_sale/guard.sql", "final", "quite final")
    tree.edit(root, "sql/functions/10_sale/twice.sql", "p_value", "p_number")
    twice, guard, twice_again, body = map(str, sql_check.check(blank.url))
    assert guard == (
        "sql/functions/10_sale/guard.sql: has changed since revision 0001 froze it: run ctl sql freeze"
    )
    assert twice.startswith("sql/functions/10_sale/twice.sql: has changed since revision 0001")
    assert twice_again == (
        "sql/functions/10_sale/twice.sql: cannot replace what is migrated: "
        'cannot change name of input parameter "p_value"'
    )
    assert body.startswith(
        "function attribution.guard(): body differs: sql/ line 3 \"RAISE EXCEPTION 'no % of %"
    )


@pytest.mark.servers("one")
def test_a_database_without_the_schema(blank: Database) -> None:
    with pytest.raises(CannotRun, match="not installed") as failure:
        sql_check.check(blank.url)
    assert failure.value.hint == "run: ctl migrate"


@pytest.mark.servers("one")
def test_a_scratch_database_is_dropped_whatever_happens(blank: Database) -> None:
    with pytest.raises(ZeroDivisionError), sql_check.scratch_database(blank.url) as scratch:
        with psycopg.connect(scratch) as connection:
            connection.execute("SELECT 1")
        raise ZeroDivisionError
    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        psycopg.connect(scratch)


@pytest.mark.servers("one", "local")
def test_a_terminated_check_drops_its_scratch_database(own_server: Server) -> None:
    database = own_server.create("blank")
    environment = os.environ | {"PYTHONPATH": str(tree.ROOT), "DATABASE_URL": database.url}
    command = [sys.executable, "-m", "controlplane", "sql", "check", "--no-live"]
    query = "SELECT count(*) FROM pg_database WHERE datname LIKE 'ctl_scratch_%'"
    with subprocess.Popen(command, env=environment) as process, own_server.admin() as connection:
        while connection.execute(query).fetchone() == (0,):
            assert process.poll() is None
            time.sleep(0.01)
        process.terminate()
        assert process.wait(timeout=30) == 1
        assert connection.execute(query).fetchone() == (0,)
