"""What the tests of ATTACKS.md share: two filled tenants, logins of every kind, ways to remove a guard.

An attack is a function that tries something and returns what got through: a set, empty when all was refused.
Each test asserts that it is empty, then takes the guard away (its mutation check) and asserts what gets
through now: a test that could not fail would prove nothing.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from engine import Connection, at, new_tenant, one, purchase, rows, send, touch, use
from psycopg import sql
from psycopg.types.json import Jsonb
from servers import Database

ROLES = ("attribution_app", "attribution_reader", "attribution_admin")
PRIVILEGE, APPEND_ONLY, NO_TENANT, NOT_PERMITTED = "42501", "RA001", "RA002", "RA009"
SQL = Path(__file__).parents[2] / "sql"
# What an admin may write, for its own tenant.
WRITABLE = {"attribution_rules", "channel_aliases", "tenants"}
Login = Callable[..., Connection]

RELATIONS = """
    SELECT c.relname::text, CASE c.relname WHEN 'tenants' THEN 'id' ELSE 'tenant_id' END
    FROM pg_class AS c
    WHERE c.relnamespace = 'attribution'::regnamespace AND c.relkind = ANY (%s::"char"[]) AND (
        c.relname = 'tenants'
        OR EXISTS (SELECT FROM pg_attribute AS a WHERE a.attrelid = c.oid AND a.attname = 'tenant_id')
    )
    ORDER BY 1
    """


@dataclass
class World:
    """Two tenants with rows in every table, a superuser's autocommit connection, and a way to log in."""

    db: Database
    admin: Connection
    enter: Login
    ours: str
    theirs: str
    tables: dict[str, str] = field(default_factory=dict)  # and the column that names the tenant
    views: dict[str, str] = field(default_factory=dict)

    def login(self, role: str = "attribution_app", tenant: str = "", *, bound: str = "") -> Connection:
        """A new login with a tenant in context, and held to a tenant if `bound` names one."""
        conn = self.enter(role, tenant)
        if bound:
            self.admin.execute("SELECT attribution.bind_login(%s, %s)", [conn.info.user, bound])
        return conn

    def do(self, *statements: str) -> None:
        """Change the scratch database as a superuser."""
        for statement in statements:
            self.admin.execute(statement.encode())

    @contextmanager
    def open(self, table: str, condition: str = "true") -> Iterator[None]:
        """With both policies of a table replaced by a condition, for the time of a `with` block."""
        clauses = f"USING ({condition}) WITH CHECK ({condition})"
        for policy in ("tenant_isolation", "bound_login"):
            self.do(f"ALTER POLICY {policy} ON attribution.{table} {clauses}")
        try:
            yield
        finally:
            self.reapply(table)

    @contextmanager
    def broken(self, breaking: str, mending: str) -> Iterator[None]:
        """Without a guard for the time of a `with` block."""
        self.do(breaking)
        try:
            yield
        finally:
            self.do(mending)

    def reapply(self, table: str) -> None:
        """Put back the policies of a table, and its flags."""
        self.do((SQL / "policies" / f"{table}.sql").read_text())

    def rewrite(self, function: str, old: str, new: str) -> None:
        """Replace text in the body of one of our functions; the text must be there."""
        query = "SELECT pg_get_functiondef(('attribution.' || %s)::regproc)"
        definition = str(one(self.admin, query, function))
        assert old in definition, f"{function}() no longer has {old!r}: the mutation needs a new text"
        self.do(definition.replace(old, new))

    def functions(self, where: str = "true") -> dict[str, str]:
        """Our functions and procedures: signature, and what ALTER and GRANT call it."""
        query = f"""
            SELECT p.oid::regprocedure::text,
                CASE p.prokind WHEN 'p' THEN 'PROCEDURE ' ELSE 'FUNCTION ' END || p.oid::regprocedure
            FROM pg_proc AS p
            WHERE p.pronamespace = 'attribution'::regnamespace AND ({where})
            """
        return dict(rows(self.admin, query))


def build(db: Database, admin: Connection, enter: Login) -> World:
    """The world of an attack: each tenant has a row in every tenant table."""
    ours, theirs = (new_tenant(admin) for _ in range(2))
    for tenant in (ours, theirs):
        fill(admin, tenant)
    world = World(db, admin, enter, ours, theirs)
    world.tables = dict(rows(admin, RELATIONS, ["r", "p"]))
    world.views = dict(rows(admin, RELATIONS, ["v", "m"]))
    for tenant in (ours, theirs):
        use(admin, tenant)  # journey_paths shows the tenant in context, whoever asks
        for name, column in (world.tables | world.views).items():
            query = sql.SQL("SELECT count(*) FROM attribution.{} WHERE {} = %s").format(
                sql.Identifier(name), sql.Identifier(column)
            )
            assert one(admin, query, tenant), f"fill() leaves {name} without a row: nothing to attack there"
    use(admin, "")
    return world


def fill(admin: Connection, tenant: str) -> None:
    """Put at least one row of a tenant into every tenant table."""
    use(admin, tenant)
    session = number = 10 * (one(admin, "SELECT count(*) FROM attribution.attribution_events") + 1)
    send(admin, touch(number, at(hours=1), session, partner_id="ann"))
    send(admin, touch(number + 1, at(hours=2), session, channel="email"))
    send(admin, touch(number + 2, at(hours=2), session, channel="nowhere"))
    send(admin, purchase(number + 3, at(hours=3), 1000, session))
    admin.execute(
        "INSERT INTO attribution.channel_aliases (tenant_id, match_kind, match_value, channel_code)"
        " VALUES (%s, 'label', 'ours alone', 'email')",
        [tenant],
    )
    # A binding needs no existing role once it stands, and this one names nobody's login.
    binding = "INSERT INTO attribution.tenant_logins (tenant_id, role_name) VALUES (%s, %s)"
    admin.execute(binding, [tenant, f"nobody {tenant}"])
    source = (
        "INSERT INTO attribution.import_sources (tenant_id, name, fingerprint) VALUES (%s, 'events.csv', %s)"
    )
    admin.execute(source, [tenant, "1:" + "0" * 64])
    fill_ledger(admin, tenant, number + 4, session)


def fill_ledger(admin: Connection, tenant: str, number: int, session: int) -> None:
    """A sale without a rate, a refund, summaries, a division by hand, a seal, a statement that differs."""
    send(admin, purchase(number, at(hours=3), 1000, session, currency="EUR"))
    send(admin, purchase(number + 1, at(hours=4), 10, session, event_type="refund", currency="EUR",
                         transaction_id=f"sale-{number}"))  # fmt: skip
    for query in (
        "SELECT attribution.fold_summaries(%s)",
        f"SELECT attribution.override_allocation(%s, 'sale-{number}', '{{\"email\": 100}}', 'ann', 'a test')",
        "SELECT attribution.seal_ledger(%s)",
    ):
        admin.execute(query.encode(), [tenant])
    row = {"amount": "1.00", "currency": "EUR", "date": "2026-03-01"}
    reconcile(admin, tenant, "stripe", "processor", row | {"transaction_id": "x"})
    reconcile(admin, tenant, "mailer", "ad_platform", row | {"channel": "email"})


def reconcile(admin: Connection, tenant: str, source: str, kind: str, row: dict[str, str]) -> None:
    """A statement of one row, compared with the ledger."""
    run = one(admin, "SELECT attribution.open_reconciliation(%s, %s, %s)", tenant, source, kind)
    admin.execute("SELECT attribution.start_reconciliation(%s, %s)", [tenant, run])
    admin.execute("SELECT attribution.report_revenue(%s, %s, %s)", [tenant, run, Jsonb([row])])
    admin.execute("SELECT attribution.compare_revenue(%s, %s)", [tenant, run])


def state(conn: Connection, statement: Any, *values: Any) -> str:
    """Run a statement and take it back: its SQLSTATE, "done" if it returned or touched a row, "" if none."""
    query = statement.encode() if isinstance(statement, str) else statement
    try:
        with conn.transaction(force_rollback=True):
            cursor = conn.execute(query, values or None)
            return "done" if cursor.rowcount > 0 else ""
    except psycopg.Error as error:
        return str(error.sqlstate)


def visible(conn: Connection, relations: dict[str, str], *tenants: str) -> set[str]:
    """The relations in which a connection sees a row of one of these tenants."""
    seen = set()
    for name, column in relations.items():
        query = sql.SQL("SELECT count(*) FROM attribution.{} WHERE {} = ANY (%s::uuid[])").format(
            sql.Identifier(name), sql.Identifier(column)
        )
        try:
            with conn.transaction():
                if one(conn, query, list(tenants)):
                    seen.add(name)
        except psycopg.errors.InsufficientPrivilege:
            continue
    return seen


def can_select(world: World, role: str, table: str) -> bool:
    query = "SELECT has_any_column_privilege(%s, 'attribution.' || %s, 'SELECT')"
    return bool(one(world.admin, query, role, table))
