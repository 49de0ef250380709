"""G2, G9: no statement changes or removes what is kept, and verify() names a guard that is gone."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import attacks
import engine
import psycopg
import pytest
from engine import Connection, at, purchase, touch
from psycopg import sql
from servers import Database

# Never changed at all, and never removed; of the others, some columns change.
FACTS = (
    "attribution_events", "attribution_allocations", "ledger_batches", "migration_waivers", "revenue_ledger",
    "revenue_state_transitions", "ledger_seals", "allocation_overrides", "reported_revenue",
    "revenue_verifications", "tenant_erasures",
)  # fmt: skip
KEPT = (*FACTS, "attribution_rules", "dead_events", "event_processing", "reconciliation_runs", "tenants")
REFERENCES = ("currencies", "channel_taxonomy", "event_types")
# A column of each that a forger would like to change.
PRIZES = {
    "attribution_events": "conversion_value_cents = 1", "revenue_ledger": "amount_cents = 1",
    "attribution_allocations": "allocated_revenue_cents = 0", "ledger_batches": "entry_count = 1",
    "allocation_overrides": "shares = NULL", "migration_waivers": "reason = 'none'",
    "revenue_state_transitions": "to_state = 'captured'", "ledger_seals": "sealed_at = now()",
    "reported_revenue": "amount_cents = 1", "revenue_verifications": "verified_at = now()",
    "tenant_erasures": "erased_at = now()",
}  # fmt: skip
KEYS = {
    "migration_waivers": "revision, rule, object, fingerprint, applied_at",
    "tenant_erasures": "erased_tenant_id", "ledger_seals": "tenant_id, seq",
}  # fmt: skip
ROLES = tuple(f"attribution_{role}" for role in ("owner", "engine", "app", "reader", "admin"))


def mutations() -> dict[str, tuple[str, str]]:
    """Every way to change or remove rows: what it is called, its privilege, and its statement."""
    found = {}
    for table in KEPT:
        name = f"attribution.{table}"
        found[f"DELETE {table}"] = ("DELETE", f"DELETE FROM {name}")
        found[f"DELETE no row of {table}"] = ("DELETE", f"DELETE FROM {name} WHERE false")
        found[f"TRUNCATE {table}"] = ("TRUNCATE", f"TRUNCATE {name} CASCADE")
        found[f"MERGE delete {table}"] = (
            "DELETE", f"MERGE INTO {name} AS t USING {name} AS s ON t = s WHEN MATCHED THEN DELETE"
        )  # fmt: skip
    for table, change in PRIZES.items():
        name = f"attribution.{table}"
        found[f"UPDATE {table}"] = ("UPDATE", f"UPDATE {name} SET {change}")
        found[f"UPDATE no row of {table}"] = ("UPDATE", f"UPDATE {name} SET {change} WHERE false")
        found[f"MERGE update {table}"] = (
            "UPDATE", f"MERGE INTO {name} t USING {name} s ON t = s WHEN MATCHED THEN UPDATE SET {change}"
        )  # fmt: skip
        key = KEYS.get(table, "tenant_id, id")
        found[f"UPSERT {table}"] = (
            "UPDATE", f"INSERT INTO {name} SELECT * FROM {name} ON CONFLICT ({key}) DO UPDATE SET {change}"
        )  # fmt: skip
    for table in REFERENCES:
        found[f"TRUNCATE all that references {table}"] = ("TRUNCATE", f"TRUNCATE attribution.{table} CASCADE")
    return found


@pytest.fixture
def admin(db: Database) -> Iterator[Connection]:
    with db.connect(autocommit=True) as conn:
        yield conn


@pytest.fixture
def shop(admin: Connection) -> str:
    """A tenant with a row in every table that is kept, an erased tenant beside it, and itself in context."""
    gone = engine.new_tenant(admin)
    engine.rows(admin, "SELECT attribution.erase_tenant(%s, 'Shop')", gone)
    shop = engine.new_tenant(admin)
    engine.use(admin, shop)
    engine.send(admin, touch(1, at()), purchase(9, at(hours=2), 1000), touch(3, at(), channel="nowhere"))
    engine.send(admin, touch(2, at(hours=1), partner_id="ann"))
    attacks.fill_ledger(admin, shop, 20, 2)
    engine.drain(admin)
    columns = "revision, rule, object, fingerprint, reason, approver, expires_on"
    values = "'0001', 'DL001', 'old', 'f', 'empty', 'somebody', current_date"
    admin.execute(f"INSERT INTO attribution.migration_waivers ({columns}) VALUES ({values})")
    assert all(engine.volumes(admin, shop).values())
    return shop


@contextlib.contextmanager
def undone(conn: Connection, role: str = "", grants: str = "") -> Iterator[None]:
    """A transaction that is always rolled back, perhaps as another role with further privileges."""
    with conn.transaction(force_rollback=True):
        if grants:
            everything = sql.SQL("GRANT ALL ON ALL TABLES IN SCHEMA attribution TO {}")
            conn.execute(everything.format(sql.Identifier(role)))
        if role:
            conn.execute(sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(role)))
        yield


def outcome(conn: Connection, statement: str) -> str:
    """The SQLSTATE of a statement that is undone; empty if it succeeds."""
    try:
        with conn.transaction(force_rollback=True):
            conn.execute(statement)  # type: ignore[call-overload]
    except psycopg.Error as error:
        return error.sqlstate or "?"
    return ""


def contents(conn: Connection) -> list[Any]:
    return [engine.rows(conn, f"SELECT * FROM attribution.{table} ORDER BY 1, 2") for table in KEPT]


def test_a_superuser_is_refused(admin: Connection, shop: str) -> None:
    before = contents(admin)
    for replica in ("origin", "replica", "local"):
        admin.execute(f"SET session_replication_role = {replica}")
        found = {case: outcome(admin, statement) for case, (_, statement) in mutations().items()}
        assert found == dict.fromkeys(mutations(), "RA001"), replica
    assert contents(admin) == before


@pytest.mark.parametrize("role", ROLES)
def test_a_role_is_refused_whatever_it_is_granted(admin: Connection, shop: str, role: str) -> None:
    """Without the privilege 42501, before any guard is asked; with it RA001."""
    for case, (privilege, statement) in mutations().items():
        with undone(admin, role, grants="all"):
            assert outcome(admin, statement) == "RA001", case
        with undone(admin, role):
            has = role == "attribution_owner" or (role == "attribution_engine" and privilege == "DELETE")
            # TRUNCATE … CASCADE and MERGE need more than one privilege.
            assert outcome(admin, statement) in ({"RA001", "42501"} if has else {"42501"}), case


def test_owner_and_engine_meet_the_guard_itself(admin: Connection, shop: str) -> None:
    """They need no further grant for what their privileges allow."""
    for case, (privilege, statement) in mutations().items():
        if statement.startswith(("UPDATE", "DELETE", "TRUNCATE attribution.attribution_events")):
            with undone(admin, "attribution_owner"):
                assert outcome(admin, statement) == "RA001", case
        if (
            privilege == "DELETE"
            and statement.startswith("DELETE")
            and not any(table in statement for table in KEYS)
        ):
            with undone(admin, "attribution_engine"):
                assert outcome(admin, statement) == "RA001", case


def test_the_refusal_says_what_to_do(admin: Connection, shop: str) -> None:
    with pytest.raises(psycopg.Error) as caught:
        admin.execute("UPDATE attribution.revenue_ledger SET amount_cents = 1")
    assert caught.value.sqlstate == "RA001"
    assert caught.value.diag.message_primary == "revenue_ledger is append-only: UPDATE refused"
    assert caught.value.diag.message_detail == (
        "Facts, allocations and ledger lines are never changed or removed; "
        "an allocation may only be marked superseded."
    )
    assert caught.value.diag.message_hint == (
        "Record what is new with an INSERT: a correction is a new event or a new line. "
        "To remove a tenant with all its rows: attribution.erase_tenant()."
    )


def test_an_allocation_is_superseded_once_and_for_all(admin: Connection, shop: str) -> None:
    table = "attribution.attribution_allocations"
    assert engine.one(admin, f"SELECT count(*) FROM {table} WHERE superseded_at IS NOT NULL") > 0
    assert outcome(admin, f"UPDATE {table} SET superseded_at = now() WHERE superseded_at IS NULL") == ""
    assert (
        outcome(admin, f"UPDATE {table} SET superseded_at = now() WHERE superseded_at IS NOT NULL") == "RA001"
    )
    assert outcome(admin, f"UPDATE {table} SET superseded_at = NULL") == "RA001"
    columns = engine.rows(
        admin,
        """
        SELECT attname FROM pg_attribute
        WHERE attrelid = 'attribution.attribution_allocations'::regclass AND attnum > 0 AND NOT attisdropped
        """,
    )
    for (column,) in columns:
        if column != "superseded_at":
            statement = (
                f"UPDATE {table} SET {column} = {column}, superseded_at = now() WHERE superseded_at IS NULL"
            )
            assert outcome(admin, statement) == "RA001", column


def test_a_rule_version_changes_its_status_only(admin: Connection, shop: str) -> None:
    table = "attribution.attribution_rules"
    columns = engine.rows(
        admin,
        """
        SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute
        WHERE attrelid = 'attribution.attribution_rules'::regclass AND attnum > 0 AND NOT attisdropped
        """,
    )
    others = {"uuid": "gen_random_uuid()", "text": "'other'", "name": "'other'", "integer": "77",
              "jsonb": "'{\"a\": 1}'",
              "boolean": "NOT is_book", "timestamp with time zone": "'2000-01-01'"}  # fmt: skip
    for column, kind in columns:
        if column != "status":
            assert outcome(admin, f"UPDATE {table} SET {column} = {others[kind]}") == "RA001", column
    assert outcome(admin, f"UPDATE {table} SET status = 'retired'") == ""


def weakenings(table: str, trigger: str, definition: str) -> dict[str, tuple[str, str]]:
    """Ways to take a guard away, and the check by which verify() names it."""
    name = f"attribution.{table}"
    elsewhere = definition.replace("CREATE TRIGGER", "CREATE OR REPLACE TRIGGER")
    elsewhere = elsewhere[: elsewhere.rindex("EXECUTE FUNCTION")] + "EXECUTE FUNCTION public.{}()"
    constraint = "CONSTRAINT TRIGGER" in definition
    drop = f"DROP TRIGGER {trigger} ON {name};" if constraint else ""
    always = f"; ALTER TABLE {name} ENABLE ALWAYS TRIGGER {trigger}"
    never = (
        definition[: definition.rindex("EXECUTE FUNCTION")].partition(" WHEN ")[0]
        + " WHEN (1 = 0) "
        + definition[definition.rindex("EXECUTE FUNCTION") :]
    )
    if not constraint:
        never = never.replace("CREATE TRIGGER", "CREATE OR REPLACE TRIGGER")
    return {
        "dropped": (f"DROP TRIGGER {trigger} ON {name}", "guard_missing"),
        "renamed": (f"ALTER TRIGGER {trigger} ON {name} RENAME TO away", "guard_missing"),
        "disabled": (f"ALTER TABLE {name} DISABLE TRIGGER {trigger}", "guard_disabled"),
        "left to replicas": (f"ALTER TABLE {name} ENABLE REPLICA TRIGGER {trigger}", "guard_disabled"),
        "not for replicas": (f"ALTER TABLE {name} ENABLE TRIGGER {trigger}", "guard_disabled"),
        "replaced": (drop + elsewhere.format("lenient") + always, "guard_replaced"),
        "replaced by a namesake": (drop + elsewhere.format("namesake") + always, "guard_replaced"),
        "fired never": (drop + never + always, "guard_replaced"),
    }


def test_verify_names_each_guard_that_is_gone(admin: Connection, shop: str) -> None:
    for function in ("lenient", "namesake"):
        body = "BEGIN RETURN NULL; END"
        admin.execute(f"CREATE FUNCTION public.{function}() RETURNS trigger LANGUAGE plpgsql AS '{body}'")
    guards = engine.rows(
        admin,
        """
        SELECT x.table_name, x.trigger_name, p.proname, pg_get_triggerdef(t.oid)
        FROM attribution.expected_triggers() AS x
        JOIN pg_trigger AS t
            ON t.tgrelid = ('attribution.' || x.table_name)::regclass AND t.tgname = x.trigger_name
        JOIN pg_proc AS p ON p.oid = t.tgfoid
        """,
    )
    assert len(guards) == engine.one(admin, "SELECT count(*) FROM attribution.expected_triggers()") > 20
    assert engine.breaches(admin) == []
    unnoticed = []
    for table, trigger, function, definition in guards:
        for how, (statement, check) in weakenings(table, trigger, definition).items():
            with undone(admin):
                admin.execute(f"ALTER FUNCTION public.namesake() RENAME TO {function}")
                admin.execute(statement.replace("public.namesake()", f"public.{function}()"))
                found = [row[:2] for row in engine.breaches(admin, shop)]
                if (check, f"{table}.{trigger}") not in found:
                    unnoticed.append((trigger, how))
    assert unnoticed == []


@pytest.mark.parametrize(
    ("statement", "check", "named"),
    [
        ("ALTER TABLE revenue_ledger DISABLE TRIGGER ALL", "guard_disabled", "revenue_ledger"),
        ("ALTER TABLE revenue_ledger DISABLE ROW LEVEL SECURITY", "rls_disabled", "revenue_ledger"),
        ("ALTER TABLE revenue_ledger NO FORCE ROW LEVEL SECURITY", "rls_not_forced", "revenue_ledger"),
        ("DROP POLICY tenant_isolation ON attribution_events", "policy_missing", "attribution_events"),
        ("ALTER POLICY bound_login ON attribution_events USING (true)", "policy_missing", "bound_login"),
        ("CREATE POLICY mine ON attribution_events USING (true)", "policy_unknown", "mine"),
        ("CREATE RULE swallow AS ON INSERT TO revenue_ledger DO INSTEAD NOTHING", "rule_on_table", "swallow"),
        ("CREATE TRIGGER mine BEFORE INSERT ON revenue_ledger EXECUTE FUNCTION forbid_mutation()",
         "trigger_unknown", "mine"),
    ],
)  # fmt: skip
def test_verify_names_what_else_opens_a_table(
    admin: Connection, shop: str, statement: str, check: str, named: str
) -> None:
    with undone(admin):
        admin.execute("SET LOCAL search_path = attribution")
        admin.execute(statement)  # type: ignore[call-overload]
        assert [row for row in engine.breaches(admin) if row[0] == check and named in row[1]]


@pytest.mark.parametrize(
    ("table", "statement", "check"),
    [
        ("revenue_ledger", "UPDATE revenue_ledger SET amount_cents = amount_cents + 1,"
         " amount_usd_cents = amount_usd_cents + 1", "line_altered"),
        ("revenue_ledger", "UPDATE revenue_ledger SET channel_code = 'email'", "line_altered"),
        ("revenue_ledger", "UPDATE revenue_ledger SET posted_at = now()", "line_altered"),
        ("revenue_ledger", "DELETE FROM revenue_ledger WHERE entry_type = 'reversal'", "line_removed"),
        ("attribution_allocations", "UPDATE attribution_allocations SET allocated_revenue_cents = 1",
         "allocation_drift"),
        ("attribution_events", "UPDATE attribution_events SET conversion_value_cents = 1"
         " WHERE event_kind = 'conversion'", "ledger_drift"),
        ("event_processing", "DELETE FROM event_processing", "orphan"),
    ],
)  # fmt: skip
def test_tampering_behind_the_guards_is_found(
    admin: Connection, shop: str, table: str, statement: str, check: str
) -> None:
    """G9: a superuser switches the guards off, alters rows, and switches them on again."""
    triggers = engine.rows(
        admin, "SELECT trigger_name FROM attribution.expected_triggers() WHERE table_name = %s", table
    )
    with undone(admin):
        admin.execute("SET LOCAL search_path = attribution")
        admin.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        admin.execute(statement)  # type: ignore[call-overload]
        admin.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for (trigger,) in triggers:
            admin.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {trigger}")
        assert check in {row[0] for row in engine.breaches(admin)}


def test_an_erasure_leaves_nothing_of_its_tenant_and_all_of_others(
    admin: Connection, shop: str, login: Callable[..., Connection]
) -> None:
    name = login("attribution_app").info.user
    other = engine.new_tenant(admin)
    engine.use(admin, other)
    engine.send(admin, purchase(9, at(), 700))
    engine.rows(admin, "SELECT attribution.bind_login(%s, %s)", name, shop)
    admin.execute("INSERT INTO attribution.channel_aliases VALUES (%s, 'label', 'ours', 'email')", [shop])
    source = "INSERT INTO attribution.import_sources (tenant_id, name, fingerprint) VALUES (%s, 'a.csv', %s)"
    admin.execute(source, [shop, "1:" + "0" * 64])
    tables = [
        row[0]
        for row in engine.rows(
            admin,
            """
            SELECT c.relname FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid
            WHERE c.relnamespace = 'attribution'::regnamespace AND c.relkind = 'r' AND a.attname = 'tenant_id'
            """,
        )
    ]
    engine.use(admin, shop)
    engine.send(admin, purchase(4, at(), 1))  # something in the queue, too, and not folded

    def counts(tenant: str) -> dict[str, int]:
        query = "SELECT count(*) FROM attribution.{} WHERE {} = %s"
        found = {table: engine.one(admin, query.format(table, "tenant_id"), tenant) for table in tables}
        return found | {"tenants": engine.one(admin, query.format("tenants", "id"), tenant)}

    before, others = counts(shop), counts(other)
    assert all(before.values())
    erased = engine.one(admin, "SELECT attribution.erase_tenant(%s, 'Shop')", shop)
    assert erased == before
    assert not any(counts(shop).values())
    assert counts(other) == others
    assert engine.breaches(admin) == []


def test_an_erasure_needs_the_exact_name(admin: Connection, shop: str) -> None:
    before = engine.volumes(admin, shop)
    for name in ("shop", "Shop ", "", None):
        with pytest.raises(psycopg.Error) as caught:
            engine.rows(admin, "SELECT attribution.erase_tenant(%s, %s)", shop, name)
        assert caught.value.sqlstate == "RA004", name
    assert engine.volumes(admin, shop) == before


def test_a_faked_erasure_cannot_be_committed(admin: Connection, shop: str) -> None:
    """Its record opens the guards of one tenant within the transaction, which then fails as a whole."""
    before = contents(admin)
    with pytest.raises(psycopg.Error) as caught, admin.transaction():
        admin.execute("INSERT INTO attribution.tenant_erasures (erased_tenant_id) VALUES (%s)", [shop])
        admin.execute("DELETE FROM attribution.ledger_seals WHERE tenant_id = %s", [shop])
    assert caught.value.sqlstate == "RA001"
    assert caught.value.diag.message_primary == "the erasure is recorded but the tenant still exists"
    assert contents(admin) == before


def test_an_erasure_opens_no_other_tenants_rows(admin: Connection, shop: str) -> None:
    fake = "INSERT INTO attribution.tenant_erasures (erased_tenant_id) VALUES (gen_random_uuid())"
    for table in KEPT:
        with undone(admin):
            admin.execute(fake)
            assert outcome(admin, f"DELETE FROM attribution.{table}") == "RA001", table
            # The record has a trigger pending until the commit: PostgreSQL itself refuses.
            refusal = "55006" if table == "tenant_erasures" else "RA001"
            assert outcome(admin, f"TRUNCATE attribution.{table} CASCADE") == refusal, table
            # The record itself stays: it can be neither taken back nor re-dated.
            assert outcome(admin, "UPDATE attribution.tenant_erasures SET erased_at = now()") == "RA001"


@pytest.mark.parametrize(
    "role", ["attribution_app", "attribution_reader", "attribution_admin", "attribution_owner"]
)
def test_nobody_else_may_record_an_erasure(admin: Connection, shop: str, role: str) -> None:
    """The owner may, as it may do anything to its tables, but can't commit it either."""
    fake = f"INSERT INTO attribution.tenant_erasures (erased_tenant_id) VALUES ('{shop}')"
    with undone(admin, role):
        if role == "attribution_owner":
            admin.execute(fake)
            assert outcome(admin, "SET CONSTRAINTS ALL IMMEDIATE") == "RA001"
        else:
            assert outcome(admin, fake) == "42501"
