"""ctl on a migrated database: tenants, processing, checking, reporting."""

import json
import signal
import subprocess
import time
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from ctl import Ctl, assert_error, create, runner, sell, watch
from servers import Database, Server

NOBODY = "00000000-0000-0000-0000-000000000000"
one_server = pytest.mark.servers("one")


@pytest.fixture
def ctl(monkeypatch: pytest.MonkeyPatch) -> Ctl:
    return runner(monkeypatch)


# Tenants


def test_the_life_of_a_tenant(ctl: Ctl, db: Database) -> None:
    created = create(ctl, db.url)
    (listed,) = json.loads(ctl("tenant list --json", db.url).stdout)
    assert (listed["id"], listed["name"], listed["reporting_currency"]) == (
        created["tenant_id"],
        "Acme Shop",
        "EUR",
    )
    assert listed["settings"]["mode"] == "sync"
    assert created["tenant_id"] in ctl("tenant list", db.url).stdout
    rotated = json.loads(ctl("tenant rotate-key --json", db.url, "Acme Shop").stdout)
    assert rotated["api_key"] not in ("", created["api_key"])
    with db.connect() as connection:
        authenticate = "SELECT attribution.authenticate(%s)::text"
        assert connection.execute(authenticate, [rotated["api_key"]]).fetchone() == (created["tenant_id"],)
    wrong = ctl("tenant erase --confirm Acme", db.url, created["tenant_id"])
    assert_error(wrong, 1, "the name does not match the tenant (RA004)", "Hint: ")
    erased = json.loads(ctl("tenant erase --json --confirm", db.url, "Acme Shop", "Acme Shop").stdout)
    assert erased["tenant_id"] == created["tenant_id"]
    assert erased["rows"]["tenants"] == 1
    assert json.loads(ctl("tenant list --json", db.url).stdout) == []


def test_bind_login(ctl: Ctl, db: Database, login: Callable[..., psycopg.Connection[Any]]) -> None:
    mine, other = create(ctl, db.url), create(ctl, db.url, "Other")
    app = login("attribution_app")
    bound = ctl("tenant bind-login", db.url, app.info.user, "Acme Shop")
    assert bound.stdout == f"login {app.info.user} is held to tenant {mine['tenant_id']}\n"
    app.execute("SELECT attribution.set_tenant(%s)", [mine["tenant_id"]])
    with pytest.raises(psycopg.Error) as refused:
        app.execute("SELECT attribution.set_tenant(%s)", [other["tenant_id"]])
    assert refused.value.sqlstate == "RA009"


@one_server
@pytest.mark.parametrize("words", ["tenant rotate-key", "tenant bind-login postgres", "rebuild --tenant"])
def test_an_unknown_tenant(ctl: Ctl, db: Database, words: str) -> None:
    assert_error(ctl(words, db.url, NOBODY), 1, "(RA004)", f"No tenant has the id {NOBODY}", "Hint: ")
    assert_error(ctl(words, db.url, "Nobody"), 1, "there is no tenant 'Nobody' (RA004)", "ctl tenant list")


@one_server
def test_an_error_of_the_database_as_json(ctl: Ctl, db: Database) -> None:
    result = ctl("tenant rotate-key --json", db.url, NOBODY)
    assert result.exit_code == 1
    error = json.loads(result.stdout)["error"]
    assert error["sqlstate"] == "RA004"
    assert set(error) == {"message", "sqlstate", "detail", "hint"}


@one_server
def test_a_tenant_that_the_database_refuses(ctl: Ctl, db: Database) -> None:
    assert_error(ctl("tenant create Acme --email nonsense", db.url), 1, "tenants_notification_email_check")


@one_server
def test_a_login_without_the_right(
    ctl: Ctl, db: Database, login: Callable[..., psycopg.Connection[Any]]
) -> None:
    app = login("attribution_app")
    url = db.server.url(db.name, user=app.info.user, password=app.info.password)
    result = ctl("tenant create Acme --email ops@acme.example", url)
    assert_error(result, 1, "permission denied for function create_tenant", "member of attribution_admin")


# Processing, checking, reporting


def test_run_report_rebuild_and_verify(ctl: Ctl, db: Database) -> None:
    tenant = create(ctl, db.url)["tenant_id"]
    sell(db, tenant, 123457)
    assert json.loads(ctl("run --json", db.url).stdout)["rounds"] == 1
    (report,) = json.loads(ctl("report --json", db.url).stdout)
    assert report["name"] == "Acme Shop"
    totals = {
        row["rule_name"]: row["revenue_cents"] for row in report["channels"] if row["channel_code"] is None
    }
    assert set(totals.values()) == {123457}
    assert len(totals) == 3
    (proof,) = report["conservation"]
    assert (proof["revenue_cents"], proof["allocated_cents"], proof["drift_cents"]) == (123457, 123457, 0)
    printed = ctl("report --tenant", db.url, "Acme Shop").stdout
    assert "google_search_paid" in printed
    assert "1,234.57" in printed
    assert "exact" in printed
    (rebuilt,) = json.loads(ctl("rebuild --json --tenant", db.url, tenant).stdout)
    assert rebuilt == {"tenant_id": tenant, "conversions": 1, "changed": 0}
    verified = ctl("verify", db.url)
    assert verified.exit_code == 0
    assert verified.stdout.splitlines()[-1] == "clean: every invariant holds"
    found = json.loads(ctl("verify --json --tenant", db.url, tenant).stdout)
    assert (found["clean"], found["breaches"]) == (True, [])


@one_server
def test_an_admin_who_is_no_superuser_can_do_it_all(
    ctl: Ctl, db: Database, login: Callable[..., psycopg.Connection[Any]]
) -> None:
    admin = login("attribution_admin")
    url = db.server.url(db.name, user=admin.info.user, password=admin.info.password)
    tenant = create(ctl, url)["tenant_id"]
    sell(db, tenant, 99)
    for words in ("tenant list", "run", "verify", "report", "rebuild", "migrate status"):
        result = ctl(words, url)
        assert result.exit_code == 0, f"{words}: {result.output}"
    assert ctl("tenant erase --confirm", url, "Acme Shop", "Acme Shop").exit_code == 0


@one_server
def test_a_reader_reports_on_a_tenant_by_id(
    ctl: Ctl, db: Database, login: Callable[..., psycopg.Connection[Any]]
) -> None:
    tenant = create(ctl, db.url)["tenant_id"]
    sell(db, tenant, 4200)
    reader = login("attribution_reader")
    url = db.server.url(db.name, user=reader.info.user, password=reader.info.password)
    assert "42.00" in ctl("report --tenant", url, tenant).stdout
    assert_error(ctl("report", url), 1, "permission denied", "member of attribution_admin")


@one_server
def test_report_without_tenants(ctl: Ctl, db: Database) -> None:
    assert ctl("report", db.url).stdout == "no tenants yet: ctl tenant create\n"


@pytest.mark.parametrize(
    ("replacement", "name"),
    [
        (
            "CREATE OR REPLACE FUNCTION attribution.forbid_mutation() RETURNS trigger LANGUAGE plpgsql "
            "AS $$BEGIN RETURN new; END$$",
            "attribution.forbid_mutation",
        ),
        (
            "CREATE OR REPLACE FUNCTION attribution.current_tenant() RETURNS uuid "
            "LANGUAGE sql STABLE PARALLEL SAFE RETURN '00000000-0000-0000-0000-000000000001'::uuid",
            "attribution.current_tenant",
        ),
    ],
)
def test_verify_names_a_function_that_is_not_ours(
    ctl: Ctl, db: Database, replacement: str, name: str
) -> None:
    with db.connect() as connection:
        connection.execute(replacement.encode())
    result = ctl("verify --json", db.url)
    assert result.exit_code == 1
    found = json.loads(result.stdout)
    breaches = [(breach["check"], breach["object"]) for breach in found["breaches"]]
    assert ("function_body", name) in breaches
    assert not found["clean"]
    assert f"function_body: {name}: is not that of sql/" in ctl("verify", db.url).stdout


@one_server
def test_verify_names_a_function_that_is_gone(ctl: Ctl, db: Database) -> None:
    with db.connect() as connection:
        connection.execute("ALTER FUNCTION attribution.list_tenants() RENAME TO lost")
    result = ctl("verify", db.url)
    assert result.exit_code == 1
    assert (
        "function_body: attribution.list_tenants: is missing: sql/functions/10_tenant/list_tenants.sql"
        in result.stdout
    )


@one_server
@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_watch_ends_cleanly(ctl: Ctl, db: Database, stop: signal.Signals) -> None:
    tenant = json.loads(
        ctl("tenant create --json --email o@acme.example --mode deferred Acme", db.url).stdout
    )
    sell(db, tenant["tenant_id"], 500)
    process = watch(db.url)
    with db.connect() as connection:
        while connection.execute("SELECT count(*) FROM attribution.revenue_ledger").fetchone() == (0,):
            assert process.poll() is None
            time.sleep(0.05)
    process.send_signal(stop)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (0, "")
    assert set(json.loads(out)) == {"rounds", "seconds"}


def await_session(server: Server, process: "subprocess.Popen[str]") -> None:
    """Wait until ctl is connected."""
    query = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'ctl' AND query LIKE 'CALL %'"
    with server.admin() as connection:
        while connection.execute(query).fetchone() == (0,):
            assert process.poll() is None
            time.sleep(0.05)


@pytest.mark.servers("one", "local")
def test_watch_survives_a_restart_of_the_server(own_server: Server) -> None:
    database = own_server.create("migrated")
    cluster = own_server.cluster
    assert cluster is not None
    process = watch(database.url)
    try:
        await_session(own_server, process)
        cluster.stop("immediate")
        time.sleep(0.5)
        cluster.start()
        await_session(own_server, process)
    finally:
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
    assert process.returncode == 0
    assert "no connection, trying again" in err
    assert "Traceback" not in err
