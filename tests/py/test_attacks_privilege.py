"""ATTACKS.md, Privilege (11 to 18): no role gets the rights of another, and no guard is walked around."""

from collections.abc import Iterator
from typing import Any

import attacks
import psycopg
import pytest
from attacks import APPEND_ONLY, NOT_PERMITTED, PRIVILEGE, ROLES, World, state, visible
from engine import Connection, at, one, rows, send, touch, uid, use
from servers import Database

from controlplane import verify

# Every client-writable column of attribution_events; the rest is the engine's.
SENT = {
    "id", "event_type", "session_id", "occurred_at", "idempotency_key", "external_event_id", "correlation_id",
    "channel", "campaign_id", "partner_id", "partner_role", "weight", "conversion_value_cents", "currency",
    "transaction_id", "raw_payload",
}  # fmt: skip
# table → verbs that a role may be granted; nothing else may be granted to anybody but owner and engine.
GRANTED = {
    "attribution_app": {"attribution_events": {"INSERT"}},
    "attribution_reader": {},
    "attribution_admin": {
        "attribution_events": {"INSERT"},
        "attribution_rules": {"INSERT", "UPDATE"},
        "channel_aliases": {"INSERT"},
        "tenants": {"UPDATE"},
    },
}


@pytest.fixture
def world(db: Database, login: attacks.Login) -> Iterator[World]:
    with db.connect(autocommit=True) as admin:
        yield attacks.build(db, admin, login)


def test_11_functions_and_operators_of_the_callers_path(world: World) -> None:
    """A schema of the caller's that shadows what a definer function calls: all of it is asked for nothing."""
    conn = world.login(bound=world.ours)
    name = conn.info.user
    world.do(
        f"CREATE SCHEMA evil AUTHORIZATION {name}",
        "GRANT USAGE ON SCHEMA evil TO PUBLIC",
    )
    # The login's own operator: no name equals another, so no binding is found.
    conn.execute("CREATE FUNCTION evil.never(name, name) RETURNS boolean IMMUTABLE RETURN false")
    conn.execute("CREATE OPERATOR evil.= (LEFTARG = name, RIGHTARG = name, FUNCTION = evil.never)")
    conn.execute("CREATE FUNCTION evil.current_setting(text) RETURNS text IMMUTABLE RETURN 'nobody'")

    def attack() -> set[str]:
        with psycopg.connect(conn.info.dsn, password=conn.info.password, autocommit=True) as fresh:
            fresh.execute("SET search_path = evil, pg_catalog, pg_temp")
            through = visible_as(fresh, world)
            if state(fresh, "SELECT attribution.set_tenant(%s)", world.theirs) != NOT_PERMITTED:
                through.add("set_tenant")
            return through

    assert attack() == set()
    world.do("ALTER FUNCTION attribution.login_permits(uuid) RESET search_path")
    assert {"attribution_events", "channel_performance"} <= attack()


def visible_as(conn: Connection, world: World) -> set[str]:
    use(conn, world.theirs)
    return visible(conn, world.tables | world.views, world.theirs)


def test_11_every_definer_and_trigger_function_pins_its_path(world: World) -> None:
    def attack() -> set[str]:
        return set(world.functions("""
            (p.prosecdef OR p.prorettype = 'trigger'::regtype) AND NOT coalesce(p.proconfig, '{}')
                && ARRAY['search_path=attribution, pg_temp', 'search_path=""']
            """))  # fmt: skip

    assert attack() == set()
    pinned = world.functions("p.prosecdef OR p.prorettype = 'trigger'::regtype")
    assert pinned
    for signature, routine in pinned.items():
        mending = f"ALTER {routine} SET search_path = attribution, pg_temp"
        with world.broken(f"ALTER {routine} SET search_path = public", mending):
            assert attack() == {signature}


def test_12_temporary_tables_shadow_nothing(world: World) -> None:
    """What a definer function reads cannot be a pg_temp table of the caller's with the same name."""
    conn = world.login(bound=world.ours)

    def attack() -> set[str]:
        with psycopg.connect(conn.info.dsn, password=conn.info.password, autocommit=True) as fresh:
            for table in (
                "tenants AS SELECT '{theirs}'::uuid AS id, '{{}}'::jsonb AS settings,"
                " sha256('k') AS api_key_hash",
                "tenant_logins AS SELECT '{theirs}'::uuid AS tenant_id, session_user::name AS role_name",
                "event_types AS SELECT 'clack' AS code, 'touch' AS kind",
                "channel_taxonomy AS SELECT 'nowhere' AS code, true AS is_active",
                "currencies AS SELECT 'XXX' AS code",
                "event_keys (tenant_id uuid, idempotency_key text)",
            ):
                fresh.execute(("CREATE TEMP TABLE " + table.format(theirs=world.theirs)).encode())
            fresh.execute("GRANT SELECT ON ALL TABLES IN SCHEMA pg_temp TO PUBLIC")
            fresh.execute("SET search_path = pg_temp, attribution")
            through = visible_as(fresh, world)
            if state(fresh, "SELECT attribution.authenticate('k')") != "RA004":
                through.add("authenticate")
            use(fresh, world.ours)
            for number, bad in enumerate(
                ({"event_type": "clack"}, {"channel": "nowhere"}, {"currency": "XXX"}), 700
            ):
                if send(fresh, touch(number, at(hours=1), **bad)):
                    through.add(next(iter(bad.values())))
            return through

    assert attack() == set()
    world.rewrite("login_permits", "FROM attribution.tenant_logins", "FROM tenant_logins")
    assert attack() == set(), "the pinned path puts pg_temp last"
    world.do("ALTER FUNCTION attribution.login_permits(uuid) RESET search_path")
    assert {"attribution_events", "channel_performance"} <= attack()
    world.rewrite("authenticate", "FROM attribution.tenants", "FROM tenants")
    assert "authenticate" not in attack(), "here too"
    world.do("ALTER FUNCTION attribution.authenticate(text) RESET search_path")
    assert "authenticate" in attack()


@pytest.mark.parametrize("role", ROLES)
def test_13_trigger_functions_on_ones_own_table(world: World, role: str) -> None:
    conn = world.login(role, world.ours)
    conn.execute("CREATE TEMP TABLE mine (tenant_id uuid, id uuid, status text, superseded_at timestamptz)")
    triggers = world.functions("p.prorettype = 'trigger'::regtype")

    def attack() -> set[str]:
        attach = "CREATE TRIGGER forge BEFORE INSERT ON mine FOR EACH ROW EXECUTE FUNCTION "
        return {name for name in triggers if state(conn, attach + name) != PRIVILEGE}

    assert triggers and attack() == set()
    for name, routine in triggers.items():
        with world.broken(
            f"GRANT EXECUTE ON {routine} TO PUBLIC", f"REVOKE EXECUTE ON {routine} FROM PUBLIC"
        ):
            assert attack() == {name}


def test_14_verbs_are_granted_by_name(world: World) -> None:
    """Of every table and view, for every role of callers and for PUBLIC: nothing but what GRANTED says."""

    def attack() -> set[tuple[str, str, str]]:
        query = """
            SELECT grantee.rolname, c.relname::text, acl.privilege_type
            FROM pg_class AS c
            CROSS JOIN LATERAL (
                SELECT (aclexplode(c.relacl)).*
                UNION ALL
                SELECT (aclexplode(a.attacl)).*
                FROM pg_attribute AS a WHERE a.attrelid = c.oid AND a.attacl IS NOT NULL
            ) AS acl
            LEFT JOIN LATERAL (SELECT pg_get_userbyid(acl.grantee)::text AS rolname) AS grantee ON true
            WHERE c.relnamespace = 'attribution'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'S')
                AND (acl.grantee = 0 OR grantee.rolname NOT IN ('attribution_owner', 'attribution_engine'))
                AND acl.grantee <> c.relowner AND (acl.privilege_type <> 'SELECT' OR acl.grantee = 0)
            """
        return {
            (grantee, table, verb)
            for grantee, table, verb in rows(world.admin, query)
            if verb not in GRANTED.get(grantee, {}).get(table, set())
        }

    assert attack() == set()
    for role in ROLES:
        for table in sorted(world.tables)[::4]:
            world.do(f"GRANT ALL ON attribution.{table} TO {role}")
            assert {
                (role, table, "TRIGGER"),
                (role, table, "TRUNCATE"),
                (role, table, "REFERENCES"),
            } <= attack()
            world.do(
                f"REVOKE TRIGGER, TRUNCATE, REFERENCES, UPDATE, DELETE ON attribution.{table} FROM {role}"
            )


@pytest.mark.parametrize("role", ROLES)
def test_14_truncate_and_trigger_are_refused(world: World, role: str) -> None:
    conn = world.login(role, world.ours)
    conn.execute(
        "CREATE FUNCTION pg_temp.forge() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'"
    )

    def attack() -> set[str]:
        tried = {
            "truncate": "TRUNCATE attribution.{} CASCADE",
            "trigger": "CREATE TRIGGER forge BEFORE INSERT ON attribution.{}"
            " FOR EACH ROW EXECUTE FUNCTION pg_temp.forge()",
            "rule": "CREATE RULE forge AS ON INSERT TO attribution.{} DO INSTEAD NOTHING",
            "disable": "ALTER TABLE attribution.{} DISABLE TRIGGER ALL",
            "rls": "ALTER TABLE attribution.{} DISABLE ROW LEVEL SECURITY",
            "policy": "CREATE POLICY forge ON attribution.{} USING (true)",
            "references": "CREATE TABLE pg_temp.r (a uuid REFERENCES attribution.{})",
        }
        return {
            f"{table} {name}"
            for table in world.tables
            for name, statement in tried.items()
            if state(conn, statement.format(table)) not in (PRIVILEGE, "42P16")
        }

    assert attack() == set()
    world.do("GRANT TRUNCATE, TRIGGER ON attribution.work_queue TO PUBLIC")
    assert attack() == {"work_queue truncate", "work_queue trigger"}


def test_15_execute_is_closed_to_public(world: World) -> None:
    stranger = world.login("pg_monitor").info.user

    def attack() -> set[str]:
        return set(world.functions(f"has_function_privilege('{stranger}', p.oid, 'EXECUTE')"))

    assert attack() == set()
    assert not one(world.admin, "SELECT has_schema_privilege(%s, 'attribution', 'USAGE')", stranger)
    everything = world.functions()
    assert len(everything) > 50
    for signature, routine in everything.items():
        with world.broken(
            f"GRANT EXECUTE ON {routine} TO PUBLIC", f"REVOKE EXECUTE ON {routine} FROM PUBLIC"
        ):
            assert attack() == {signature}


def test_15_definer_functions_are_for_those_who_need_them(world: World) -> None:
    """What an app or a reader may call with its definer's rights is this and no more."""

    def attack(role: str) -> set[str]:
        return set(world.functions(f"p.prosecdef AND has_function_privilege('{role}', p.oid, 'EXECUTE')"))

    names = ("assert_tenant(uuid)", "authenticate(text)", "login_permits(uuid)", "set_tenant(uuid)")
    allowed = {f"attribution.{name}" for name in names}
    assert attack("attribution_reader") == allowed
    # What cannot be made a row is a dead event, which an app may not write by itself.
    imports = "import_events(uuid,text,text,bigint,bigint,bigint,text,jsonb,jsonb)"
    allowed |= {"attribution.ingest_events(jsonb)", f"attribution.{imports}"}
    assert attack("attribution_app") == allowed
    world.do("GRANT EXECUTE ON FUNCTION attribution.erase_tenant(uuid, text) TO attribution_app")
    assert attack("attribution_app") - allowed == {"attribution.erase_tenant(uuid,text)"}


def test_16_session_replication_role(world: World) -> None:
    """No client may set it; a superuser who does still meets the guards."""
    for role in ROLES:
        assert state(world.login(role), "SET session_replication_role = replica") == PRIVILEGE

    guards: dict[str, list[str]] = {}
    for table, guard in rows(
        world.admin, "SELECT table_name, trigger_name FROM attribution.expected_triggers()"
    ):
        guards.setdefault(table, []).append(guard)
    guarded = [table for table, names in guards.items() if f"{table}_erased_only" in names]

    def attack() -> set[str]:
        world.do("SET session_replication_role = replica")
        try:
            delete = "DELETE FROM attribution."
            return {table for table in guarded if state(world.admin, delete + table) != APPEND_ONLY}
        finally:
            world.do("RESET session_replication_role")

    assert len(guarded) >= 9 and attack() == set()
    for table in guarded:
        for guard in guards[table]:
            world.do(f"ALTER TABLE attribution.{table} ENABLE TRIGGER {guard}")
        assert attack() == {table}
        for guard in guards[table]:
            world.do(f"ALTER TABLE attribution.{table} ENABLE ALWAYS TRIGGER {guard}")


def test_17_what_the_owner_takes_away_is_found(world: World) -> None:
    """The owner may alter its own objects; `ctl verify` names it (95_ops/verify_catalog.sql: all of it)."""
    tried = {
        "a trigger disabled": "ALTER TABLE attribution.tenants DISABLE TRIGGER tenants_kept",
        "a trigger dropped": "DROP TRIGGER attribution_events_erased_only ON attribution.attribution_events",
        "RLS disabled": "ALTER TABLE attribution.attribution_events DISABLE ROW LEVEL SECURITY",
        "RLS not forced": "ALTER TABLE attribution.attribution_events NO FORCE ROW LEVEL SECURITY",
        "a policy opened": "ALTER POLICY tenant_isolation ON attribution.revenue_ledger USING (true)",
        "a policy added": "CREATE POLICY mine ON attribution.revenue_ledger USING (true)",
        "a rule": "CREATE RULE quiet AS ON INSERT TO attribution.revenue_ledger DO INSTEAD NOTHING",
        "a guard's body": "CREATE OR REPLACE FUNCTION attribution.forbid_mutation() RETURNS trigger"
        " LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
        "a check's body": "CREATE OR REPLACE FUNCTION attribution.verify_tenant(p_tenant uuid)"
        " RETURNS TABLE (check_name text, object text, detail text) LANGUAGE sql STABLE"
        " AS 'SELECT NULL::text, NULL::text, NULL::text WHERE false'",
    }

    def attack() -> set[str]:
        """What the owner does and verify doesn't find."""
        missed = set()
        for name, statement in tried.items():
            with world.db.connect() as conn:
                conn.execute("SET ROLE attribution_owner")
                conn.execute(statement.encode())
                conn.execute("RESET ROLE")
                if not verify.verify(conn):
                    missed.add(name)
                conn.rollback()
        return missed

    with world.db.connect() as conn:
        assert verify.verify(conn) == [], "nothing is wrong at first"
    assert attack() == set()
    world.do(
        "CREATE OR REPLACE FUNCTION attribution.verify_catalog()"
        " RETURNS TABLE (check_name text, object text, detail text) LANGUAGE sql STABLE SET search_path = ''"
        " AS 'SELECT NULL::text, NULL::text, NULL::text WHERE false'"
    )
    # Blinded, verify() itself finds none of them; that its body is another is what is left to see.
    blinded = "SELECT count(*) FROM attribution.verify()"
    for name, statement in tried.items():
        with world.db.connect() as conn:
            conn.execute(statement.encode())
            assert one(conn, blinded) == 0, name
            assert [breach.object for breach in verify.verify(conn) if "verify_catalog" in breach.object]
            conn.rollback()


def test_18_engine_columns_are_the_engines(world: World) -> None:
    conn = world.login(tenant=world.ours)
    query = """
        SELECT attname FROM pg_attribute
        WHERE attrelid = 'attribution.attribution_events'::regclass AND attnum > 0 AND NOT attisdropped
        """
    forged: dict[str, Any] = {
        "event_kind": "other",
        "occurred_at_known": False,
        "received_at": at(days=-1000),
        "channel_code": "sms",
    }
    assert {row[0] for row in rows(world.admin, query)} == SENT | set(forged) | {"tenant_id"}

    def attack(number: int) -> set[str]:
        event = touch(number, at(hours=1), channel="email") | forged
        kept = set()
        if state_of_send(conn, event):
            select = f"SELECT {', '.join(forged)} FROM attribution.attribution_events WHERE id = %s"
            stored = rows(conn, select, uid(number))[0]
            kept = {name for name, value in zip(forged, stored, strict=True) if value == forged[name]}
        return kept

    assert attack(700) == set()
    world.do("ALTER TABLE attribution.attribution_events DISABLE TRIGGER attribution_events_accept")
    forged["event_kind"] = "touch"  # the pair of type and kind has a foreign key of its own
    assert attack(701) == set(forged)


def state_of_send(conn: Connection, event: Any) -> bool:
    """Was the event taken? A grant that leaves out an engine column refuses it, which is as good."""
    try:
        return send(conn, event) == 1
    except psycopg.errors.InsufficientPrivilege:
        return False


def test_18_a_rules_author_and_time_are_the_engines(world: World) -> None:
    conn = world.login("attribution_admin", world.ours)

    def attack() -> set[str]:
        through = set()
        for column, value in {"created_by": "somebody", "created_at": at(days=-1000)}.items():
            insert = (
                f"INSERT INTO attribution.attribution_rules (tenant_id, name, model_type, {column})"
                f" VALUES (%s, 'forged {column}', 'linear', %s)"
            )
            try:
                conn.execute(insert, [world.ours, value])
            except psycopg.errors.InsufficientPrivilege:
                continue
            query = f"SELECT {column} FROM attribution.attribution_rules WHERE name = %s"
            if one(conn, query, f"forged {column}") == value:
                through.add(column)
        return through

    assert attack() == set()
    world.do(
        "GRANT INSERT ON attribution.attribution_rules TO attribution_admin",
        "ALTER TABLE attribution.attribution_rules DISABLE TRIGGER attribution_rules_immutable",
    )
    assert attack() == {"created_by", "created_at"}
