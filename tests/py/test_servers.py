"""The fixtures themselves: a test that trusts them trusts this."""

from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict
from psycopg.types.json import Jsonb
from servers import CRON_DATABASE, Database, Fleet, Server, url_with

SCHEMAS = "SELECT count(*) FROM pg_namespace WHERE nspname = 'attribution'"


def test_each_server_is_what_it_says(server: Server, blank: Database) -> None:
    with blank.connect() as conn:
        assert conn.info.server_version // 10000 == server.major
        assert conn.info.dbname == blank.name
        assert conn.execute("SHOW is_superuser").fetchone() == ("on",)
        assert conn.execute(SCHEMAS).fetchone() == (0,)


def test_a_clone_keeps_its_changes_to_itself(server: Server, db: Database) -> None:
    with db.connect() as conn:
        conn.execute("CREATE TABLE attribution.mine ()")
    with server.database("migrated") as other, other.connect() as conn:
        assert conn.execute("SELECT to_regclass('attribution.mine')").fetchone() == (None,)


def test_a_database_is_dropped_in_spite_of_connections(server: Server) -> None:
    with server.database("blank") as database:
        left_open = database.connect()
    with pytest.raises(psycopg.OperationalError):
        left_open.execute("SELECT 1")
    with server.admin() as conn:
        query = "SELECT count(*) FROM pg_database WHERE datname = %s"
        assert conn.execute(query, [database.name]).fetchone() == (0,)


def test_app_is_an_ordinary_login_with_a_tenant(app: psycopg.Connection[Any]) -> None:
    query = "SELECT rolsuper OR rolbypassrls OR rolcreaterole FROM pg_roles WHERE rolname = session_user"
    assert app.execute(query).fetchone() == (False,)
    assert app.execute("SELECT attribution.current_tenant() IS NOT NULL").fetchone() == (True,)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        app.execute("SELECT attribution.list_tenants()")


def test_tenant_takes_the_arguments_of_create_tenant(db: Database, tenant: Callable[..., Any]) -> None:
    made = tenant("Boutique", p_reporting_currency="EUR", p_settings=Jsonb({"mode": "deferred"}))
    with db.connect() as conn:
        query = "SELECT id::text, name, reporting_currency, settings FROM attribution.tenants"
        assert conn.execute(query).fetchall() == [(made.id, "Boutique", "EUR", {"mode": "deferred"})]


@pytest.mark.servers("local")
def test_own_server_survives_being_killed(own_server: Server) -> None:
    database, cluster = own_server.create("migrated"), own_server.cluster
    assert cluster
    with database.connect() as conn:
        conn.execute("CREATE TABLE kept ()")
    cluster.stop("immediate")
    cluster.start()
    with database.connect() as conn:
        assert conn.execute("SELECT count(*) FROM kept").fetchone() == (0,)


@pytest.mark.servers("pg_cron")
def test_cron_db_can_have_pg_cron(cron_db: Database) -> None:
    assert cron_db.name == CRON_DATABASE
    with cron_db.connect() as conn:
        conn.execute("CREATE EXTENSION pg_cron")
        assert conn.execute("SELECT cron.schedule('nothing', '* * * * *', 'SELECT 1')").fetchone() == (1,)


def test_an_unknown_server_is_refused() -> None:
    with pytest.raises(ValueError, match="no server is called oracle19"):
        Fleet().start(["oracle19"])


@pytest.mark.parametrize(
    "url",
    ["postgresql://me:p%40ss%2F@db.example:5433/theirs?sslmode=require",
     "host=db.example port=5433 user=me password='p@ss/' dbname=theirs sslmode=require"],
)  # fmt: skip
def test_a_url_keeps_what_is_not_replaced(url: str) -> None:
    ours = conninfo_to_dict(url_with(url, dbname="our own", options="-c a.b=c d"))
    assert ours == conninfo_to_dict(url) | {"dbname": "our own", "options": "-c a.b=c d"}
