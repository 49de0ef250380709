"""ctl override: who divided which sale by hand, when and why; and how it goes back to the rules."""

import json
from typing import Any

import psycopg
import pytest
from ctl import Ctl, assert_error, create, runner, sell
from engine import purchase, send, touch, use
from servers import Database

one_server = pytest.mark.servers("one")
BY = ("--by", "jo", "--reason", "the call decided it")


@pytest.fixture
def ctl(monkeypatch: pytest.MonkeyPatch) -> Ctl:
    return runner(monkeypatch)


@pytest.fixture
def shop(ctl: Ctl, db: Database) -> str:
    """A tenant with the sale order-1 of 100.01 EUR: google_search_paid 50.01, email 50.00."""
    tenant = str(create(ctl, db.url)["tenant_id"])
    sell(db, tenant, 10001)
    return tenant


def shares(done: dict[str, Any]) -> dict[str, int]:
    return {row["channel_code"]: row["balance_cents"] for row in done["shares"]}


def test_the_life_of_an_override(ctl: Ctl, db: Database, shop: str) -> None:
    words = f"override set order-1 --tenant {shop} --share direct=33.3333333333 --share email=66.6666666667"
    result = ctl(f"{words} --json", db.url, *BY)
    assert result.exit_code == 0, result.output
    done = json.loads(result.stdout)
    assert shares(done) == {"email": 6667, "direct": 3334}
    (listed,) = json.loads(ctl(f"override list --json --tenant {shop}", db.url).stdout)
    assert listed["override_id"] == done["override_id"]
    assert (listed["status"], listed["sequence"], listed["override_by"], listed["reason"]) == (
        "in force", 1, "jo", "the call decided it"
    )  # fmt: skip
    assert [share["percent"] for share in listed["shares"]] == [33.3333333333, 66.6666666667]

    again = ctl(f"override set order-1 --tenant {shop} --share email=100", db.url, *BY)
    assert again.stdout == "order-1 is divided by hand:\n            100.01 EUR  email\n"
    lifted = ctl(f"override lift order-1 --tenant {shop} --by al --reason mistaken", db.url)
    assert lifted.stdout == (
        "order-1 is the rules' again:\n"
        "             50.01 EUR  google_search_paid\n"
        "             50.00 EUR  email\n"
    )
    assert json.loads(ctl(f"override list --json --tenant {shop}", db.url).stdout) == []
    past = json.loads(
        ctl(f"override list --json --history --tenant {shop} --transaction order-1", db.url).stdout
    )
    assert [(row["status"], row["override_by"]) for row in past] == [
        ("replaced", "jo"), ("lifted", "jo"), ("lifts", "al")
    ]  # fmt: skip
    assert [row["shares"] is None for row in past] == [False, False, True]
    shown = ctl(f"override list --history --tenant {shop}", db.url).stdout
    for word in ("email 66.6666666667%", "replaced", "lifts", "mistaken", "divisions by hand: 3"):
        assert word in shown
    none = ctl(f"override list --json --history --tenant {shop} --transaction order-2", db.url)
    assert json.loads(none.stdout) == []
    assert ctl("verify", db.url).exit_code == 0

    page = ctl(f"explain order-1 --tenant {shop}", db.url).stdout
    assert "divided by hand: email 100%, by jo: the call decided it" in page
    assert "given back to the rules, by al: mistaken" in page
    story = json.loads(ctl(f"explain order-1 --json --tenant {shop}", db.url).stdout)
    assert [override["sequence"] for override in story["overrides"]] == [1, 2, 3]
    lines = [line for batch in story["events"][0]["batches"] for line in batch["lines"]]
    by_hand = [line for line in lines if line["entry_type"] == "override"]
    assert {line["override_by"] for line in by_hand} == {"jo"}
    assert {line["audit_trail"]["reason"] for line in by_hand} == {"the call decided it"}


@one_server
def test_shares_with_campaigns_and_a_sale_without_a_transaction(ctl: Ctl, db: Database) -> None:
    tenant = create(ctl, db.url)["tenant_id"]
    with db.connect() as connection:
        use(connection, tenant)
        send(connection, touch(1, None), purchase(2, None, 999, transaction_id=None, currency="JPY"))
        (sale,) = connection.execute(
            "SELECT id::text FROM attribution.attribution_events WHERE event_type = 'purchase'"
        ).fetchone() or ("",)
    document = '[{"channel":"email","percent":0.5,"campaign_id":"spring"},{"channel":"email","percent":0.5}]'
    done = ctl(f"override set {sale} --json --tenant {tenant} --shares", db.url, document, *BY)
    assert done.exit_code == 0, done.output
    found = {row["campaign_id"]: row["balance_cents"] for row in json.loads(done.stdout)["shares"]}
    assert found == {"spring": 500, None: 499}
    shown = ctl(f"override set {sale} --tenant {tenant} --shares", db.url, document, *BY).stdout
    assert "               500 JPY  email spring\n" in shown


USAGE = [
    ((), "give --share CHANNEL=PERCENT for each channel, or --shares JSON"),
    (("--share", "email=100", "--shares", "{}"), "give --share CHANNEL=PERCENT"),
    (("--share", "email"), "--share email: not CHANNEL=PERCENT"),
    (("--share", "email=a lot"), "--share email=a lot: not CHANNEL=PERCENT"),
    (("--share", "email=1e2"), "--share email=1e2: not CHANNEL=PERCENT"),
    (("--share", "=100"), "--share =100: not CHANNEL=PERCENT"),
    (("--share", "email=50", "--share", "email=50"), "email is given twice"),
    (("--shares", "{email: 100}"), "--shares is not JSON"),
    (("--shares", '{"email": NaN}'), "--shares is not JSON: NaN is no number"),
]
REFUSED = [
    (
        "order-1",
        ("--share", "email=60", "--share", "direct=39.99"),
        "sum to 100% (RA005)",
        "They sum to 99.99",
    ),
    ("order-1", ("--share", "email=100", "--share", "direct=0"), "sum to 100% (RA005)", "above 0"),
    ("order-1", ("--share", "pigeon=100"), "unknown channel: pigeon (RA004)", "ctl channels list"),
    ("order-1", ("--shares", "[]"), "these are not shares (RA005)", "Hint: Give an object"),
    ("order-9", ("--share", "email=100"), "no transaction 'order-9' (RA004)", "Hint: Check the id"),
]


@pytest.mark.parametrize(("given", "problem"), USAGE, ids=[problem for _, problem in USAGE])
def test_usage(ctl: Ctl, given: tuple[str, ...], problem: str) -> None:
    assert_error(
        ctl("override set order-1 --tenant x", "postgresql://localhost:1/x", *given, *BY), 2, problem
    )


@one_server
@pytest.mark.parametrize(("sale", "given", "problem", "hint"), REFUSED, ids=[row[2] for row in REFUSED])
def test_what_the_database_refuses(
    ctl: Ctl, db: Database, shop: str, sale: str, given: tuple[str, ...], problem: str, hint: str
) -> None:
    assert_error(ctl(f"override set {sale} --tenant {shop}", db.url, *given, *BY), 1, problem, hint)
    assert json.loads(ctl(f"override list --json --history --tenant {shop}", db.url).stdout) == []


@one_server
def test_who_and_why_are_asked_for(ctl: Ctl, db: Database, shop: str) -> None:
    words = f"override set order-1 --tenant {shop} --share email=100"
    assert_error(ctl(f"{words} --by jo", db.url), 2, "Missing option '--reason'")
    assert_error(
        ctl(f"{words} --by jo --reason", db.url, " "), 1, "an override has a name and a reason (RA005)"
    )
    assert_error(
        ctl(f"override lift order-1 --tenant {shop}", db.url, *BY),
        1,
        "is not divided by hand (RA004)",
        "ctl override list",
    )


@one_server
def test_another_tenants_sale_is_not_revealed(ctl: Ctl, db: Database, shop: str) -> None:
    other = create(ctl, db.url, "Other")["tenant_id"]
    words = f"override set order-1 --tenant {other} --share email=100"
    assert_error(ctl(words, db.url, *BY), 1, "no transaction 'order-1' (RA004)")
    missing = f"override set order-9 --tenant {other} --share email=100"
    assert ctl(words, db.url, *BY).stderr == ctl(missing, db.url, *BY).stderr.replace("order-9", "order-1")


@one_server
def test_a_login_without_the_right(ctl: Ctl, db: Database, shop: str, login: Any) -> None:
    app: psycopg.Connection[Any] = login("attribution_app")
    url = db.server.url(db.name, user=app.info.user, password=app.info.password)
    words = f"override set order-1 --tenant {shop} --share email=100"
    assert_error(ctl(words, url, *BY), 1, "permission denied for function override_allocation")
