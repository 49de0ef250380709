"""ATTACKS.md, Isolation (1 to 5): no SQL of a tenant's login reads, infers or writes another's row."""

import uuid
from collections.abc import Iterator

import attacks
import psycopg
import pytest
from attacks import NO_TENANT, NOT_PERMITTED, ROLES, WRITABLE, World, can_select, state, visible
from engine import Connection, at, one, rows, send, touch, uid, use
from psycopg import sql
from psycopg.types.json import Jsonb
from servers import Database


@pytest.fixture
def world(db: Database, login: attacks.Login) -> Iterator[World]:
    with db.connect(autocommit=True) as admin:
        yield attacks.build(db, admin, login)


@pytest.mark.parametrize("role", ROLES)
def test_01_a_bound_login_sets_another_tenant(world: World, role: str) -> None:
    conn = world.login(role, bound=world.ours)

    def attack() -> set[str]:
        use(conn, world.theirs)
        return visible(conn, world.tables | world.views, world.ours, world.theirs)

    assert attack() == set()
    readable = {table for table in world.tables if can_select(world, role, table)}
    for table in readable:
        world.do(f"ALTER POLICY bound_login ON attribution.{table} USING (true) WITH CHECK (true)")
        assert table in attack()
    assert attack() == readable | set(world.views)


@pytest.mark.parametrize("role", ROLES)
def test_01_a_bound_login_writes_for_another_tenant(world: World, role: str) -> None:
    conn = world.login(role, bound=world.ours)

    def attack(context: str) -> set[str]:
        use(conn, context)
        return set(writes(world, conn, world.theirs))

    assert attack(world.theirs) | attack(world.ours) == set()
    for table in world.tables:
        for policy in ("bound_login", "tenant_isolation"):
            world.do(f"ALTER POLICY {policy} ON attribution.{table} USING (true) WITH CHECK (true)")
    expected = WRITABLE if role == "attribution_admin" else set()
    assert {statement.split()[0] for statement in attack(world.ours)} == expected


def writes(world: World, conn: Connection, victim: str) -> Iterator[str]:
    """Every UPDATE, DELETE and INSERT of a victim's rows that does something: 'table verb column'."""
    query = """
        SELECT c.relname, a.attname
        FROM pg_attribute AS a
        JOIN pg_class AS c ON c.oid = a.attrelid AND c.relnamespace = 'attribution'::regnamespace
        WHERE c.relname = ANY (%s) AND a.attnum > 0 AND NOT a.attisdropped
        ORDER BY 1, 2
        """
    for table, column in rows(world.admin, query, list(world.tables)):
        key = world.tables[table]
        where = f"WHERE {key} = '{victim}'"
        if state(conn, f"UPDATE attribution.{table} SET {column} = {column} {where}") == "done":
            yield f"{table} UPDATE {column}"
        if state(conn, f"DELETE FROM attribution.{table} {where} AND {column} IS NOT NULL") == "done":
            yield f"{table} DELETE {column}"
    for table, key in world.tables.items():
        insertable = """
            SELECT string_agg(attname, ', ') FROM pg_attribute
            WHERE attrelid = ('attribution.' || %s)::regclass AND attnum > 0 AND NOT attisdropped
                AND has_column_privilege(%s, attrelid, attnum, 'INSERT')
            """
        if columns := one(world.admin, insertable, table, conn.info.user):
            example = f"SELECT to_jsonb(t) FROM attribution.{table} AS t WHERE {key} IS NOT NULL LIMIT 1"
            values = one(world.admin, example)
            fresh = {name: str(uuid.uuid4()) for name in ("id", "name", "match_value", "idempotency_key")}
            insert = (
                f"INSERT INTO attribution.{table} ({columns})"
                f" SELECT {columns} FROM jsonb_populate_record(NULL::attribution.{table}, %s)"
            )
            if state(conn, insert, Jsonb(values | fresh | {key: victim})) == "done":
                yield f"{table} INSERT"


def test_01_a_bound_admin_works_through_functions(world: World) -> None:
    conn = world.login("attribution_admin", bound=world.ours)
    calls = {
        "set_tenant": "set_tenant(%s)",
        "rotate_api_key": "rotate_api_key(%s)",
        "bind_login": "bind_login(session_user, %s)",
        "erase_tenant": "erase_tenant(%s, 'Shop')",
        "process_batch": "process_batch(%s)",
        "rebuild": "rebuild(%s)",
        "verify": "verify(%s)",
        "apply_rule": """apply_rule(%s, '{"name": "x", "model_type": "linear"}')""",
        "set_rule_status": "set_rule_status(%s, 'linear', NULL, 'retired')",
    }

    def attack() -> set[str]:
        through = {
            name
            for name, call in calls.items()
            if state(conn, f"SELECT * FROM attribution.{call}", world.theirs) != NOT_PERMITTED
        }
        if state(conn, "SELECT attribution.bind_login(session_user, NULL)") != NOT_PERMITTED:
            through.add("unbind")
        names = "SELECT count(*) FROM attribution.list_tenants() WHERE id = %s"
        if one(conn, names, world.theirs):
            through.add("list_tenants")
        breaches = "SELECT count(*) FROM attribution.verify() WHERE tenant_id = %s"
        if one(conn, breaches, world.theirs):
            through.add("verify all")
        if one(conn, "SELECT attribution.next_tenant_with_work(NULL)::text") == world.theirs:
            through.add("next_tenant_with_work")
        return through

    world.do("UPDATE attribution.event_processing SET processing_status = 'dead', last_error = 'x'")
    world.admin.execute("DELETE FROM attribution.work_queue WHERE tenant_id = %s", [world.ours])
    assert attack() == set()
    world.rewrite("login_permits", "RETURN NOT EXISTS", "RETURN true OR NOT EXISTS")
    assert attack() == set(calls) | {"unbind", "list_tenants", "verify all", "next_tenant_with_work"}


def test_01_functions_take_every_tenant_argument_to_the_check(world: World) -> None:
    """What a role may call with a p_tenant is either read-only under its policies, or checks the caller."""
    query = """
        SELECT p.proname FROM pg_proc AS p
        WHERE p.pronamespace = 'attribution'::regnamespace AND p.prosecdef
            AND 'p_tenant' = ANY (p.proargnames) AND p.proname NOT IN ('assert_tenant', 'login_permits')
            AND strpos(p.prosrc, 'assert_tenant(p_tenant)') = 0
        """
    assert rows(world.admin, query) == []
    world.rewrite("process_batch", "PERFORM attribution.assert_tenant(p_tenant);", "")
    assert rows(world.admin, query) == [("process_batch",)]


@pytest.mark.parametrize("role", ROLES)
def test_02_no_context_is_no_rows(world: World, role: str) -> None:
    never, emptied = world.login(role), world.login(role)
    with emptied.transaction():
        emptied.execute(sql.SQL("SET LOCAL app.current_tenant_id = {}").format(sql.Literal(world.ours)))
    assert one(emptied, "SELECT current_setting('app.current_tenant_id', true)") == ""
    assert one(never, "SELECT current_setting('app.current_tenant_id', true)") is None

    def attack() -> set[str]:
        seen = [
            visible(conn, world.tables | world.views, world.ours, world.theirs) for conn in (never, emptied)
        ]
        assert seen[0] == seen[1]
        return seen[0]

    assert attack() == set()
    for table in world.tables:
        if can_select(world, role, table):
            key = world.tables[table]
            condition = f"attribution.current_tenant() IS NULL OR {key} = attribution.current_tenant()"
            with world.open(table, condition):  # as it is often written: no context, no restriction
                assert attack() - set(world.views) == {table}


def test_02_no_context_is_no_insert(world: World) -> None:
    conn = world.login()

    def attack() -> set[str]:
        found = set()
        for setting in ("RESET app.current_tenant_id", "SET app.current_tenant_id = ''"):
            conn.execute(setting.encode())
            for columns, values in (("", ""), ("tenant_id, ", f"'{world.ours}', ")):
                insert = f"""
                    INSERT INTO attribution.attribution_events ({columns}event_type, session_id, channel)
                    VALUES ({values}'click', gen_random_uuid(), 'email')
                    """
                found.add(state(conn, insert))
        return found - {NO_TENANT}

    assert attack() == set()
    world.rewrite("assert_context", "IF v_tenant IS NULL THEN", "IF false THEN")
    assert attack()


def test_03_roles_of_a_pooled_login(world: World) -> None:
    """`SET ROLE a; RESET ROLE; SET ROLE b`: each role is held to its tenant, and a bound login to its own."""
    us, them = (world.login(bound=tenant).info.user for tenant in (world.ours, world.theirs))
    pooled, bound = world.login(), world.login(bound=world.ours)
    for conn in (pooled, bound):
        for role in (us, them):
            world.do(f"GRANT {role} TO {conn.info.user}")

    def attack() -> set[str]:
        tried = {
            "our role, their context": (pooled, us, world.theirs),
            "their role, our context left behind": (pooled, them, world.ours),
            "a login bound to us in their role and context": (bound, them, world.theirs),
            "a login bound to us in their role, our context": (bound, them, world.ours),
        }
        through = set()
        for name, (conn, role, context) in tried.items():
            conn.execute(f"RESET ROLE; SET ROLE {role}".encode())
            use(conn, context)
            if visible(conn, world.tables, world.ours, world.theirs):
                through.add(name)
        return through

    pooled.execute(f"SET ROLE {us}".encode())
    use(pooled, world.ours)
    assert visible(pooled, world.tables, world.ours), "a role sees its own tenant"
    assert attack() == set()
    both = "l.role_name IN (session_user, current_setting('role')::name)"
    world.rewrite("login_permits", both, "l.role_name = session_user")
    assert attack() == {
        "our role, their context",
        "their role, our context left behind",
        "a login bound to us in their role, our context",
    }


def test_04_foreign_keys_stay_within_the_tenant(world: World) -> None:
    def attack() -> set[str]:
        query = """
            SELECT k.conrelid::regclass || ' ' || k.conname
            FROM pg_constraint AS k
            JOIN pg_attribute AS a ON a.attrelid = k.conrelid AND a.attnum = k.conkey[1]
            JOIN pg_attribute AS b ON b.attrelid = k.confrelid AND b.attnum = k.confkey[1]
            WHERE k.contype = 'f' AND k.connamespace = 'attribution'::regnamespace
                AND k.confrelid::regclass::text = ANY (%s)
                AND NOT (a.attname = 'tenant_id' AND b.attname IN ('tenant_id', 'id'))
            """
        return {row[0] for row in rows(world.admin, query, [f"attribution.{name}" for name in world.tables])}

    assert attack() == set()
    event = "SELECT id::text FROM attribution.attribution_events WHERE tenant_id = %s LIMIT 1"
    theirs, absent = one(world.admin, event, world.theirs), uid(10**9)
    insert = "INSERT INTO attribution.event_processing (tenant_id, event_id) VALUES (%s, %s)"
    assert state(world.admin, insert, world.ours, theirs) == state(world.admin, insert, world.ours, absent)
    world.do(
        "ALTER TABLE attribution.attribution_events ADD CONSTRAINT alone UNIQUE (id)",
        "ALTER TABLE attribution.dead_events ADD CONSTRAINT loose FOREIGN KEY (resolved_event_id)"
        " REFERENCES attribution.attribution_events (id)",
    )
    assert attack() == {"attribution.dead_events loose"}
    update = "UPDATE attribution.dead_events SET resolved_event_id = %s WHERE tenant_id = %s"
    composite = """
        SELECT conname FROM pg_constraint
        WHERE conrelid = 'attribution.dead_events'::regclass AND contype = 'f' AND cardinality(conkey) = 2
        """
    world.do(f"ALTER TABLE attribution.dead_events DROP CONSTRAINT {one(world.admin, composite)}")
    assert state(world.admin, update, theirs, world.ours) == "done"


def test_05_unique_keys_tell_nothing(world: World) -> None:
    conn = world.login(tenant=world.ours)

    def send_theirs(key: str) -> bool:
        """Does it make a difference that another tenant has this key and this id?"""
        use(world.admin, world.theirs)
        send(world.admin, touch(900, at(hours=1), id=uid(900 + len(key)), idempotency_key=key))
        bad = touch(900, at(hours=1), id=uid(950 + len(key)), idempotency_key=key + "!", channel="nowhere")
        send(world.admin, bad)
        event = touch(900, at(hours=1), id=uid(900 + len(key)), idempotency_key=key)
        try:
            taken = send(conn, event, suffix="ON CONFLICT DO NOTHING") != 1
            send(conn, bad)
        except psycopg.errors.UniqueViolation:
            return True
        dead = one(conn, "SELECT count(*) FROM attribution.dead_events WHERE idempotency_key = %s", key + "!")
        return taken or dead != 1

    def scoped() -> set[str]:
        query = """
            SELECT i.indexrelid::regclass::text
            FROM pg_index AS i
            JOIN pg_class AS c ON c.oid = i.indrelid AND c.relnamespace = 'attribution'::regnamespace
            JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
            WHERE i.indisunique AND c.relname = ANY (%s) AND a.attname <> 'tenant_id'
            """
        return {row[0] for row in rows(world.admin, query, list(world.tables))}

    # The two of tenants itself: its id, and a hash that no client chooses.
    own = {"attribution.tenants_pkey", "attribution.tenants_api_key_hash_key"}
    assert (send_theirs("a"), scoped()) == (False, own)
    leaky = "CREATE UNIQUE INDEX {} ON attribution.{} (idempotency_key) WHERE idempotency_key = '{}'"
    world.do(leaky.format("leaky", "attribution_events", "bb"))
    assert (send_theirs("bb"), scoped()) == (True, own | {"attribution.leaky"})
    world.do(leaky.format("leaky_too", "dead_events", "ccc!"))
    assert send_theirs("ccc")


def test_05_global_aliases_are_nobodys(world: World) -> None:
    """channel_aliases is the exception: global rows are everyone's to read, nobody's to write."""
    conn = world.login("attribution_admin", world.ours)

    def attack() -> set[str]:
        tried = {
            "update": "UPDATE attribution.channel_aliases SET channel_code = 'email' WHERE tenant_id IS NULL",
            "delete": "DELETE FROM attribution.channel_aliases WHERE tenant_id IS NULL",
            "insert": "INSERT INTO attribution.channel_aliases (match_kind, match_value, channel_code)"
            " VALUES ('label', 'zzz', 'email')",
        }
        return {name for name, statement in tried.items() if state(conn, statement) == "done"}

    assert one(conn, "SELECT count(*) > 20 FROM attribution.channel_aliases WHERE tenant_id IS NULL")
    assert attack() == set()
    world.do(
        "ALTER TABLE attribution.channel_aliases DISABLE ROW LEVEL SECURITY",
        "GRANT INSERT, UPDATE, DELETE ON attribution.channel_aliases TO attribution_admin",
    )
    assert attack() == {"update", "delete", "insert"}
