"""ctl reconcile: the committed statements, what bad input gets, what a file may look like, whose it is."""

import gzip
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import psycopg
import pytest
from ctl import ROOT, Ctl, assert_error, create, runner
from engine import Connection, one
from servers import Database
from statement_files import GOOD, HEADER, runs, sold, statement, volumes, write

from controlplane import reconcile as module
from controlplane.reconcile import reconcile

EXAMPLES = ROOT / "examples/reconciliation"
one_server = pytest.mark.servers("one")

# What a file holds (after a good header, but for the last ones), further words, and how the message begins.
BAD_ROWS = [
    (",1.00,USD,2026-03-01", "", "line 2, column transaction_id: the row names no transaction"),
    ("a,1.001,USD,2026-03-01", "", "line 2, column amount: '1.001' has more decimals than USD has (2)"),
    ("a,1,USD,2026-03-01\nb,1.5,JPY,2026-03-01", "", "line 3, column amount: '1.5' has more decimals than"),
    ('a,"1,000.00",USD,2026-03-01', "", "line 2, column amount: '1,000.00' is not an amount"),
    ("a,1.00,EUX,2026-03-01", "", "line 2, column currency: currency 'EUX' is not known"),
    ("a,1.00,USD,2026-02-30", "", "line 2, column date: '2026-02-30' is not a time"),
    ("a,1.00,USD,", "", "line 2, column date: '' is not a time"),
    ("a,1.00,USD,2026-03-01\n\na,1.00,USD,2026-03-01", "", "line 4: the same row is in line 2"),
    ("a,1.00,USD,2026-03-01\na,2.00,USD,2026-03-01", "--columns id=transaction_id",
     "line 3, column transaction_id: the same row is in line 2"),
    ("a,1.00,USD", "", "line 2: it has 3 values, the header has 4 columns"),
    ('a,"1.00,USD,2026-03-01\nb', "", "line 2: it is not CSV: "),
    ('"a\nb",1.00,USD,2026-03-01\nc,x,USD,2026-03-01', "", "line 4, column amount: 'x' is not an amount"),
    ("a\0,1.00,USD,2026-03-01", "", "line 2: it holds a NUL byte"),
]  # fmt: skip
BAD_HEADERS = [
    ("", "", "line 1: the header has no column for amount (amount), currency (currency), transaction_id"),
    ("transaction_id,sum,currency\n", "", "line 1: the header has no column for amount (amount)"),
    ("\ntransaction_id,amount,amount,currency\n", "", "line 2: the header has more than one column amount"),
    (GOOD, "--columns amount=Gross", "line 1: the header has no column for amount (Gross)"),
    (GOOD, "--columns date=Day", "line 1: the header has no column for date (Day)"),
    (GOOD, "--layout shopify", "line 1: the header has no column for Kind, Status, amount (Amount)"),
    (GOOD, "--kind ad_platform", "line 1: the header has no column for channel (channel)"),
]


@pytest.fixture
def ctl(monkeypatch: pytest.MonkeyPatch) -> Ctl:
    return runner(monkeypatch)


@pytest.fixture
def shop(db: Database) -> str:
    """A tenant with one sale, sale-1 of 10.00 USD on 2 March 2026."""
    with db.connect(autocommit=True) as conn:
        return sold(conn)


# The examples


@pytest.mark.parametrize(
    ("name", "words"),
    [("stripe", "--from 2026-03-01 --to 2026-03-31"), ("shopify", "")],
)
def test_the_committed_statements(ctl: Ctl, db: Database, name: str, words: str) -> None:
    tenant = create(ctl, db.url)["tenant_id"]
    facts = str(EXAMPLES / f"{name}.events.ndjson")
    assert ctl(f"ingest --strict --tenant {tenant}", db.url, facts).exit_code == 0
    assert ctl("run", db.url).exit_code == 0
    result = ctl(f"reconcile --source {name} {words}", db.url, str(EXAMPLES / f"{name}.csv"))
    expected = (EXAMPLES / f"{name}.expected.txt").read_text()
    assert result.exit_code == 1, result.output
    assert [line.rstrip() for line in result.stdout.rstrip().splitlines()] == expected.splitlines()
    assert ctl(f"verify --tenant {tenant}", db.url).exit_code == 0


def test_the_document_shows_the_first() -> None:
    shown = (ROOT / "docs/reconciliation.md").read_text()
    assert (EXAMPLES / "stripe.expected.txt").read_text() in shown


# Bad input


@one_server
@pytest.mark.parametrize(("text", "words", "message"), BAD_ROWS)
def test_a_bad_row(
    ctl: Ctl, db: Database, shop: str, tmp_path: Path, text: str, words: str, message: str
) -> None:
    path = write(tmp_path, HEADER + text + "\n")
    result = ctl(f"reconcile {path} --source bank {words}", db.url)
    assert_error(result, 2, f"Error: statement.csv, {message}", "Nothing was stored.")
    assert volumes(db) == (0, 0)
    [(state, error)] = runs(db)
    assert (state, error.startswith(f"statement.csv, {message}")) == ("error", True)


@one_server
@pytest.mark.parametrize(("text", "words", "message"), BAD_HEADERS)
def test_a_bad_header(
    ctl: Ctl, db: Database, shop: str, tmp_path: Path, text: str, words: str, message: str
) -> None:
    result = ctl(f"reconcile {write(tmp_path, text)} --source bank {words}", db.url)
    assert_error(result, 2, f"Error: statement.csv, {message}", "Detail: It has: ", "--columns FIELD=HEADER")
    assert runs(db) == []


@one_server
@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("", "Missing option '--source'"),
        ("--source bank --columns sum=Gross", "sum=Gross: not one of id, transaction_id"),
        ("--source bank --set amount=1", "amount=1: not one of channel, currency, date"),
        ("--source bank --from 1.3.2026", "'1.3.2026' does not match the format '%Y-%m-%d'"),
        ("--source stripe --kind ad_platform", "a statement laid out as stripe is one of kind processor"),
    ],
)
def test_usage(ctl: Ctl, db: Database, tmp_path: Path, words: str, message: str) -> None:
    assert_error(ctl(f"reconcile {write(tmp_path, GOOD)} {words}", db.url), 2, message)


@one_server
def test_what_is_no_statement_at_all(ctl: Ctl, db: Database, shop: str, tmp_path: Path) -> None:
    path = tmp_path / "latin.csv"
    path.write_bytes(HEADER.encode() + b"caf\xe9,1.00,USD,2026-03-01\n")
    words = f"reconcile {path} --source bank"
    assert_error(ctl(words, db.url), 2, "latin.csv, line 2: it is not UTF-8: byte 0xe9 at 4")
    path.write_bytes(gzip.compress((GOOD * 100).encode())[:-9])
    assert_error(ctl(words, db.url), 3, "latin.csv is damaged: ", "fetch the file again")
    path.write_text(HEADER)
    assert_error(ctl(words, db.url), 2, "there is nothing to compare", "name its first and last day")
    path.write_text(GOOD)
    assert_error(ctl(words.replace("bank", "Bank"), db.url), 2, "'Bank' is not the name of a source")
    assert_error(
        ctl(f"{words} --from 2026-03-02 --to 2026-03-01", db.url), 2, "2026-03-02 to 2026-03-01 is no period"
    )
    failed = json.loads(ctl(f"{words} --columns amount=currency --json", db.url).stdout)["error"]
    assert failed["message"].startswith("latin.csv, line 2, column currency: 'USD' is not an amount")
    assert volumes(db) == (0, 0)


@one_server
def test_a_bad_row_in_a_later_chunk_leaves_nothing(
    ctl: Ctl, db: Database, shop: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CHUNK", 2)
    lines = [f"sale-{n},10.00,USD,2026-03-02" for n in range(5)]
    good = write(tmp_path, HEADER + "\n".join(lines))
    bad = write(tmp_path, HEADER + "\n".join([*lines, "x,1,USD,never"]), "bad.csv")
    twice = write(tmp_path, HEADER + "\n".join([*lines, lines[0]]), "twice.csv")
    assert_error(ctl(f"reconcile {bad} --source bank", db.url), 2, "bad.csv, line 7, column date: 'never'")
    assert_error(ctl(f"reconcile {twice} --source bank", db.url), 2, "line 7: the same row is in line 2")
    assert volumes(db) == (0, 0)
    assert ctl(f"reconcile {good} --source bank", db.url).exit_code == 1
    assert volumes(db) == (5, 5)


# Files, columns and answers


@one_server
def test_any_form_of_file(ctl: Ctl, db: Database, shop: str, tmp_path: Path) -> None:
    forms = {
        "plain": GOOD.encode(),
        "bom": b"\xef\xbb\xbf" + GOOD.encode(),
        "crlf": GOOD.replace("\n", "\r\n").encode(),
        "blank lines": ("\n\n" + GOOD.replace("\n", "\n\n")).encode(),
        "quoted": b'"transaction_id", amount ,currency,date,note\r\nsale-1,10,usd, 2026-03-02 ,"two\nlines"',
        "gzip": gzip.compress(GOOD.encode()),
    }
    for name, content in forms.items():
        path = tmp_path / f"{name.replace(' ', '_')}.csv"
        path.write_bytes(content)
        result = ctl(f"reconcile {path} --source bank --json", db.url)
        assert result.exit_code == 0, (name, result.output)
        answer = json.loads(result.stdout)
        assert (answer["state"], answer["matched"], answer["differences"]) == ("completed", 1, []), name


@one_server
def test_standard_input(db: Database, shop: str) -> None:
    command = [sys.executable, "-m", "controlplane", "reconcile", "-", "--source", "bank"]
    done = subprocess.run(
        command,
        input=GOOD,
        env=os.environ | {"DATABASE_URL": db.url},
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("-: bank, 2026-03-02 to 2026-03-02: completed\n")


@one_server
def test_columns_of_other_names(ctl: Ctl, db: Database, shop: str, tmp_path: Path) -> None:
    path = write(tmp_path, "Ref,Order,Cents,When\nr1,sale-1,600,2026-03-02\nr2,sale-1,400,2026-03-02\n")
    columns = (
        "--columns id=Ref --columns transaction_id=Order --columns amount_minor=Cents --columns date=When"
    )
    result = ctl(f"reconcile {path} --source bank {columns} --set currency=USD", db.url)
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines()[0] == "statement.csv: bank, 2026-03-02 to 2026-03-02: completed"


@one_server
def test_the_layout_of_another_source(ctl: Ctl, db: Database, shop: str, tmp_path: Path) -> None:
    text = (EXAMPLES / "shopify.csv").read_text()
    words = f"reconcile {write(tmp_path, text)} --source second_shop --layout shopify --json"
    answer = json.loads(ctl(words, db.url).stdout)
    assert (answer["source"], answer["reported_rows"], answer["missing_in_ledger"]) == ("second_shop", 7, 5)
    assert answer["left_out"] == {"Kind authorization": 1, "Status failure": 1}


@one_server
def test_partial_and_period(ctl: Ctl, db: Database, shop: str, tmp_path: Path) -> None:
    path = write(tmp_path, HEADER + "other,1.00,USD,2026-03-02\n")
    whole, partial, later = (
        json.loads(ctl(f"reconcile {path} --source bank --json {words}", db.url).stdout)
        for words in ("", "--partial", "--from 2026-03-03 --to 2026-03-04")
    )
    assert [row["transaction_id"] for row in whole["differences"]] == ["other", "sale-1"]
    assert [row["transaction_id"] for row in partial["differences"]] == ["other"]
    assert (later["state"], later["reported_rows"], later["differences"]) == ("completed", 1, [])
    assert (later["first_day"], later["last_day"]) == ("2026-03-03", "2026-03-04")


@one_server
def test_claims(ctl: Ctl, db: Database, shop: str, tmp_path: Path) -> None:
    files = {
        "google_ads": "Day,Campaign,Campaign type,Currency code,Conv. value\n"
        "2026-03-02,a,Search,USD,25.00\n2026-03-02,b,Search,USD,5.00\n2026-03-02,c,Display,USD,1.00\n2026-03-02,d,Search,USD,\n",
        "facebook": "Day,Campaign name,Purchases conversion value,Currency\n2026-03-02,a,12.00,USD\n",
        "tiktok": "By Day,Total purchase value,Currency\n2026-03-02,3.00,USD\n",
    }
    claims = {}
    for source, text in files.items():
        result = ctl(f"reconcile {write(tmp_path, text)} --source {source} --json", db.url)
        assert result.exit_code == 0, result.output
        answer = json.loads(result.stdout)
        assert answer["kind"] == "ad_platform"
        claims |= {
            row["channel_code"]: (row["claimed_cents"], row["overclaim_cents"]) for row in answer["claims"]
        }
    assert claims == {
        "google_search_paid": (3000, 3000), "google_display_paid": (100, 100), "facebook_paid": (1200, 1200),
        "tiktok_paid": (300, 300),
    }  # fmt: skip
    page = ctl(f"reconcile {write(tmp_path, files['google_ads'])} --source google_ads", db.url).stdout
    assert page.startswith("statement.csv: google_ads, 2026-03-02 to 2026-03-02: completed\n")
    assert "1  Conv. value (empty)" in page
    wrong = write(tmp_path, files["google_ads"].replace("Display", "Hotel"))
    message = "statement.csv, line 4, column Campaign type: channel 'Hotel' is not known"
    assert_error(ctl(f"reconcile {wrong} --source google_ads", db.url), 2, message)


@one_server
def test_whose_statement(ctl: Ctl, db: Database, shop: str, tmp_path: Path) -> None:
    path = write(tmp_path, GOOD)
    assert ctl(f"reconcile {path} --source bank", db.url).exit_code == 0
    create(ctl, db.url, "Second")
    assert_error(
        ctl(f"reconcile {path} --source bank", db.url), 2, "there are 2 tenants: name one with --tenant"
    )
    result = ctl(f"reconcile {path} --source bank --tenant Second", db.url)
    assert (result.exit_code, "missing_in_ledger          1" in result.stdout) == (1, True)
    assert_error(ctl(f"reconcile {path} --source bank --tenant {UUID(int=0)}", db.url), 1, "unknown tenant")


def test_an_admin_of_one_tenant(
    db: Database, login: Callable[..., Connection], shop: str, tmp_path: Path
) -> None:
    """No superuser is needed, and a bound login reconciles for its own tenant alone."""
    path = write(tmp_path, GOOD)
    with db.connect(autocommit=True) as conn:
        other = one(conn, "SELECT tenant_id::text FROM attribution.create_tenant('Other', 'o@example.org')")
        admin = login("attribution_admin")
        conn.execute("SELECT attribution.bind_login(%s, %s)", [admin.info.user, shop])
    with statement(path) as given:
        assert reconcile(admin, UUID(shop), given, source="bank").run["matched"] == 1
    with statement(path) as given, pytest.raises(psycopg.Error) as refused:
        reconcile(admin, UUID(other), given, source="bank")
    assert refused.value.sqlstate == "RA009"
    for role in ("attribution_app", "attribution_reader"):
        with statement(path) as given, pytest.raises(psycopg.errors.InsufficientPrivilege):
            reconcile(login(role, shop), UUID(shop), given, source="bank")
