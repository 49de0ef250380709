"""ATTACKS.md, Isolation (6 to 10): functions, views, partitions, triggers and plans leak nothing."""

from collections.abc import Iterator
from typing import Any

import attacks
import psycopg
import pytest
from attacks import NOT_PERMITTED, PRIVILEGE, ROLES, WRITABLE, World, can_select, state
from engine import at, one, rows, send, touch, use
from servers import Database


@pytest.fixture
def world(db: Database, login: attacks.Login) -> Iterator[World]:
    with db.connect(autocommit=True) as admin:
        yield attacks.build(db, admin, login)


@pytest.mark.parametrize("role", ROLES)
def test_06_leaky_functions_and_failing_casts(world: World, role: str) -> None:
    conn = world.login(role, world.ours)
    heard: list[str] = []
    conn.add_notice_handler(lambda notice: heard.append(notice.message_primary or ""))
    conn.execute(
        "CREATE FUNCTION pg_temp.peek (p_value text) RETURNS boolean LANGUAGE plpgsql COST 0.0000001"
        " AS $$BEGIN RAISE NOTICE '%', p_value; RETURN true; END$$"
    )

    def attack(relations: dict[str, str]) -> set[str]:
        through = set()
        for name, column in relations.items():
            heard.clear()
            peek = f"SELECT count(*) FROM attribution.{name} WHERE pg_temp.peek({column}::text)"
            cast = (
                f"SELECT count(*) FROM attribution.{name}"
                f" WHERE CASE WHEN {column} = '{world.theirs}' THEN 'x' ELSE '1' END::int = 1"
            )
            peeked = state(conn, peek) != PRIVILEGE and any(world.theirs in line for line in heard)
            if peeked or state(conn, cast) == "22P02":
                through.add(name)
        return through

    assert attack(world.tables | world.views) == set()
    for view in world.views:
        owner = "(SELECT rolname FROM pg_roles WHERE oid = 10)"
        world.do(f"DO $$BEGIN EXECUTE format('ALTER VIEW attribution.{view} OWNER TO %I', {owner}); END$$")
        mending = f"ALTER VIEW attribution.{view} SET (security_invoker = true)"
        with world.broken(f"ALTER VIEW attribution.{view} RESET (security_invoker)", mending):
            # journey_paths asks for the tenant in context by itself: a second guard.
            assert attack(world.views) == {view} - {"journey_paths"}
    for table in world.tables:
        if can_select(world, role, table):
            mending = f"ALTER TABLE attribution.{table} ENABLE ROW LEVEL SECURITY"
            with world.broken(f"ALTER TABLE attribution.{table} DISABLE ROW LEVEL SECURITY", mending):
                assert attack(world.tables) == {table}


def test_07_no_view_reads_with_rights_of_its_own(world: World) -> None:
    def attack() -> set[str]:
        query = """
            SELECT c.relname FROM pg_class AS c JOIN pg_roles AS r ON r.oid = c.relowner
            WHERE c.relnamespace = 'attribution'::regnamespace AND (c.relkind = 'm' OR c.relkind = 'v' AND (
                r.rolsuper OR r.rolbypassrls
                OR NOT coalesce('security_invoker=true' = ANY (c.reloptions), false)))
            """
        return {row[0] for row in rows(world.admin, query)}

    assert attack() == set()
    for view in world.views:
        mending = f"ALTER VIEW attribution.{view} OWNER TO attribution_owner"
        with world.broken(f"ALTER VIEW attribution.{view} OWNER TO CURRENT_USER", mending):
            assert attack() == {view}
    world.do("CREATE MATERIALIZED VIEW attribution.fast AS SELECT * FROM attribution.channel_performance")
    assert attack() == {"fast"}


def test_08_partitions_have_policies_of_their_own(world: World) -> None:
    def attack() -> set[str]:
        query = """
            SELECT c.relname FROM pg_class AS c
            WHERE (c.relispartition OR c.relkind = 'p' OR c.relname = ANY (%s))
                AND c.relkind IN ('r', 'p') AND c.relnamespace = 'attribution'::regnamespace
                AND NOT (c.relrowsecurity AND c.relforcerowsecurity AND EXISTS (
                    SELECT FROM pg_policy AS p WHERE p.polrelid = c.oid AND p.polname = 'tenant_isolation'))
            """
        return {row[0] for row in rows(world.admin, query, list(world.tables))}

    assert attack() == set()
    world.do(
        "CREATE TABLE attribution.parent (tenant_id uuid) PARTITION BY LIST (tenant_id)",
        "ALTER TABLE attribution.parent ENABLE ROW LEVEL SECURITY",
        "ALTER TABLE attribution.parent FORCE ROW LEVEL SECURITY",
        "CREATE POLICY tenant_isolation ON attribution.parent"
        " USING (tenant_id = attribution.current_tenant())",
        "CREATE TABLE attribution.child PARTITION OF attribution.parent DEFAULT",
    )
    assert attack() == {"child"}


def test_09_a_bad_row_for_another_tenant(world: World) -> None:
    conn = world.login(tenant=world.ours)
    bad = touch(800, at(hours=1), tenant_id=world.theirs, channel="nowhere")

    def attack() -> set[Any]:
        before = dead_events(world)
        try:
            send(conn, bad)
        except psycopg.Error as error:
            assert error.sqlstate == NOT_PERMITTED
        return dead_events(world) - before

    assert attack() == set()
    world.rewrite("accept_event", "IF NEW.tenant_id IS DISTINCT FROM v_tenant THEN", "IF false THEN")
    assert len(attack()) == 1


def dead_events(world: World) -> set[Any]:
    return set(rows(world.admin, "SELECT id FROM attribution.dead_events WHERE tenant_id = %s", world.theirs))


def test_10_plans_are_not_reused_across_contexts(world: World) -> None:
    def attack() -> set[str]:
        conn = world.login(tenant=world.ours)
        conn.execute("SET plan_cache_mode = force_generic_plan")
        for name, column in (world.tables | world.views).items():
            if state(conn, f"SELECT FROM attribution.{name}") != PRIVILEGE:
                query = f"SELECT count(*) FROM attribution.{name} WHERE {column} = '{world.ours}'"
                conn.execute(f"PREPARE p_{name} AS {query}".encode())
                assert one(conn, f"EXECUTE p_{name}")
        use(conn, world.theirs)
        prepared = [row[0] for row in rows(conn, "SELECT name FROM pg_prepared_statements WHERE from_sql")]
        return {name.removeprefix("p_") for name in prepared if one(conn, f"EXECUTE {name}")}

    assert attack() == set()
    world.do("ALTER FUNCTION attribution.current_tenant() IMMUTABLE")
    assert {"attribution_events", "revenue_ledger", "channel_performance"} <= attack()


@pytest.mark.parametrize("role", ROLES)
def test_10_row_security_off(world: World, role: str) -> None:
    conn = world.login(role, world.ours)
    conn.execute("SET row_security = off")

    def attack() -> set[str]:
        relations = world.tables | world.views
        return {name for name in relations if state(conn, f"SELECT FROM attribution.{name}") != PRIVILEGE}

    assert attack() == set()
    for table in world.tables:
        if can_select(world, role, table):
            mending = f"ALTER TABLE attribution.{table} ENABLE ROW LEVEL SECURITY"
            with world.broken(f"ALTER TABLE attribution.{table} DISABLE ROW LEVEL SECURITY", mending):
                assert attack() - set(world.views) == {table}


def test_10_merge(world: World) -> None:
    conn = world.login("attribution_admin", world.ours)

    def attack() -> set[str]:
        form = (
            "MERGE INTO attribution.{0} AS t USING (VALUES ('{1}'::uuid)) AS s (id) ON t.{2} = s.id"
            " WHEN MATCHED THEN UPDATE SET {3}"
        )
        through = {
            table
            for table, change in {
                "attribution_rules": "status = 'retired'",
                "tenants": "name = 'Mine'",
            }.items()
            if state(conn, form.format(table, world.theirs, world.tables[table], change)) == "done"
        }
        insert = (
            "MERGE INTO attribution.channel_aliases AS t USING (VALUES (1)) AS s (id) ON false"
            " WHEN NOT MATCHED THEN INSERT (tenant_id, match_kind, match_value, channel_code)"
            f" VALUES ('{world.theirs}', 'label', 'merged', 'email')"
        )
        return through | ({"channel_aliases"} if state(conn, insert) == "done" else set())

    assert attack() == set()
    for table in WRITABLE:
        world.do(f"ALTER TABLE attribution.{table} DISABLE ROW LEVEL SECURITY")
    assert attack() == WRITABLE
