"""Throwaway databases: a marker row decides what is ours, and nothing is left behind."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from servers import Database, Server

from controlplane.errors import CannotRun
from controlplane.validation import sandbox, seed, snapshot
from controlplane.validation.policy import Policy
from controlplane.validation.runner import Options, validate
from controlplane.validation.sandbox import Sandbox, Scratch

pytestmark = pytest.mark.servers("local")
BASE = Path(__file__).parents[1] / "migration_cases" / "given" / "base.sql"


@pytest.fixture
def box(server: Server) -> Iterator[Sandbox]:
    with sandbox.opened(server.admin_url) as opened:
        yield opened


def names(server: Server, query: str) -> set[str]:
    with server.admin() as connection:
        return {row[0] for row in connection.execute(query.encode())}


def test_a_database_without_the_marker_is_left_alone(box: Sandbox, blank: Database) -> None:
    other = Scratch(blank.name, blank.url)
    assert not box.is_ours(other)
    with pytest.raises(CannotRun, match="was not made by this run"):
        box.drop(other)
    with blank.connect() as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_the_row_decides_and_not_the_name(box: Sandbox) -> None:
    scratch = box.create()
    assert box.is_ours(scratch)
    with scratch.connect() as connection:
        connection.execute(f"UPDATE {sandbox.SCHEMA}.marker SET token = 'another run'")
    assert not box.is_ours(scratch)
    with pytest.raises(CannotRun, match="was not made by this run"):
        box.drop(scratch)
    with scratch.connect() as connection:
        connection.execute(f"UPDATE {sandbox.SCHEMA}.marker SET token = %s", [box.token])


def test_nothing_is_left_of_a_validation(tmp_path: Path, server: Server) -> None:
    # Databases and roles of this run's fixtures come and go in other workers.
    queries = (
        f"SELECT datname FROM pg_database WHERE NOT starts_with(datname, '{server.prefix}_')",
        f"SELECT rolname FROM pg_roles WHERE NOT starts_with(rolname, '{server.prefix}_')",
    )
    before = [names(server, query) for query in queries]
    file = tmp_path / "a.sql"
    file.write_text("CREATE ROLE made_here; ALTER ROLE app_user BYPASSRLS; CREATE TABLE attr.x (i int);")
    report = validate([str(file)], Options(setup=BASE, database_url=server.admin_url))
    assert "SE013" in {found.rule for found in report.findings()}
    assert [names(server, query) for query in queries] == before


def test_roles_are_put_back(box: Sandbox, server: Server) -> None:
    role, group, new, other = (f"{server.prefix}_{word}" for word in ("role", "group", "new", "other"))
    query = "SELECT rolbypassrls, rolcanlogin, rolconfig FROM pg_roles WHERE rolname = %s"
    with server.admin() as connection:
        connection.execute(f"CREATE ROLE {role} LOGIN; CREATE ROLE {group}; GRANT {group} TO {role}")
        try:
            before = connection.execute(query, [role]).fetchall()
            with box.roles_kept():
                text = (
                    f"ALTER ROLE {role} BYPASSRLS NOLOGIN; ALTER ROLE {role} SET work_mem = '1MB';"
                    f"REVOKE {group} FROM {role}; CREATE ROLE {new}; GRANT {new} TO {role}"
                )
                connection.execute(text)
                box.sent.append(text)
                connection.execute(f"CREATE ROLE {other}")  # somebody else's, meanwhile
            assert connection.execute(query, [role]).fetchall() == before
            members = "SELECT roleid::regrole::text FROM pg_auth_members WHERE member = %s::regrole"
            assert connection.execute(members, [role]).fetchall() == [(group,)]
            assert not connection.execute("SELECT FROM pg_roles WHERE rolname = %s", [new]).rowcount
            assert connection.execute("SELECT FROM pg_roles WHERE rolname = %s", [other]).rowcount
        finally:
            connection.execute(f"DROP ROLE {role}; DROP ROLE {group}; DROP ROLE IF EXISTS {new}, {other}")


def test_the_server_of_a_user_is_not_changed(tmp_path: Path, server: Server) -> None:
    """ALTER SYSTEM and the like concern more than a throwaway database: they are judged, and not run."""
    file = tmp_path / "a.sql"
    file.write_text("ALTER SYSTEM SET log_statement = 'all';\nCREATE DATABASE made_here;\n")
    report = validate([str(file)], Options(setup=BASE, database_url=server.admin_url))
    assert "HY001" in {found.rule for found in report.findings()}
    (trace,) = [stage for stage in report.units[0].stages if stage.name == "trace"]
    assert f"not run, it concerns the whole server: {file}:1" in trace.detail
    assert "made_here" not in names(server, "SELECT datname FROM pg_database")
    assert not names(server, "SELECT setting FROM pg_file_settings WHERE setting = 'all'")


TABLES = """
CREATE DOMAIN percent AS int CHECK (VALUE BETWEEN 0 AND 100);
CREATE TYPE mood AS ENUM ('glad', 'sad');
CREATE TABLE shop (id uuid PRIMARY KEY, name varchar(5) NOT NULL UNIQUE, mood mood, share percent);
CREATE TABLE sale (
    tenant_id uuid NOT NULL REFERENCES shop, id bigint GENERATED ALWAYS AS IDENTITY, state text NOT NULL
    CHECK (state IN ('open', 'closed')), at timestamptz NOT NULL, tags text[], raw jsonb NOT NULL,
    digest bytea CHECK (octet_length(digest) = 32), twice int GENERATED ALWAYS AS (1 + 1) STORED,
    PRIMARY KEY (tenant_id, id)
);
CREATE TABLE line (
    tenant_id uuid NOT NULL, sale bigint NOT NULL, n int, span int4range,
    code text CHECK (code ~ '^[A-Z]{3}$'),
    FOREIGN KEY (tenant_id, sale) REFERENCES sale
);
CREATE TABLE part (tenant_id int NOT NULL, day date NOT NULL) PARTITION BY RANGE (day);
CREATE TABLE part_2019 PARTITION OF part FOR VALUES FROM ('2019-01-01') TO ('2020-01-01');
CREATE TABLE kind (tenant_id int, kind text) PARTITION BY LIST (kind);
CREATE TABLE kind_a PARTITION OF kind FOR VALUES IN ('a', 'b');
"""


def test_every_table_gets_rows_of_two_tenants(blank: Database) -> None:
    with psycopg.connect(blank.url, autocommit=True) as connection:
        connection.execute(TABLES)
        assert seed.fill(connection, ("tenant_id",)) == []
        for name, relation in snapshot.read(connection, Policy()).relations.items():
            if relation.kind in "rp" and not relation.partition_of:
                assert relation.rows >= 2, name
                if "tenant_id" in relation.columns:
                    query = sql.SQL("SELECT count(DISTINCT tenant_id) FROM {}")
                    row = connection.execute(query.format(sql.Identifier(*name.split(".")))).fetchone()
                    assert row == (2,), name


def test_what_cannot_be_filled_is_said(blank: Database) -> None:
    with psycopg.connect(blank.url, autocommit=True) as connection:
        connection.execute("CREATE TABLE odd (i int NOT NULL CHECK (i * i = 49 AND i < 0))")
        (problem,) = seed.fill(connection, ("tenant_id",))
    assert problem.startswith("public.odd: new row for relation")
