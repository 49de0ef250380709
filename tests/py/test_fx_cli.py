"""ctl fx: rates go in all or none, a mistake is named with line and column, what they change is adjusted."""

import gzip
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
from ctl import ROOT, Ctl, assert_error, create, runner, sell
from engine import purchase, send, touch, use
from servers import Database

one_server = pytest.mark.servers("one")
GOOD = "date,currency,rate\n2026-03-01,EUR,1.0817\n2026-03-01,JPY,0.0067\n2026-03-02,KWD,3.2485\n"


@pytest.fixture
def ctl(monkeypatch: pytest.MonkeyPatch) -> Ctl:
    return runner(monkeypatch)


def write(directory: Path, text: str | bytes, name: str = "rates.csv") -> str:
    path = directory / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return str(path)


def known(db: Database) -> list[tuple[Any, ...]]:
    query = (
        "SELECT currency, rate_date::text, rate_to_usd::text, source FROM attribution.fx_rates ORDER BY 1, 2"
    )
    with db.connect() as connection:
        return connection.execute(query).fetchall()


def dollars(db: Database) -> Any:
    query = "SELECT sum(amount_usd_cents)::int, count(*)::int FROM attribution.revenue_ledger"
    with db.connect() as connection:
        return connection.execute(query).fetchone()


def test_rates_fill_what_was_missing_and_correct_what_was_wrong(
    ctl: Ctl, db: Database, tmp_path: Path
) -> None:
    tenant = create(ctl, db.url)["tenant_id"]
    with db.connect() as connection:
        use(connection, tenant)
        send(connection, touch(1, None, channel="email"), purchase(2, None, 10001, currency="EUR"))
        connection.execute("SELECT set_config('app.day', (now() AT TIME ZONE 'UTC')::date::text, false)")
        (day,) = connection.execute("SELECT current_setting('app.day')").fetchone() or ("",)
    assert dollars(db) == (None, 1)

    verified = ctl("verify", db.url)
    assert verified.exit_code == 0
    assert verified.stdout == (
        f"notice: 1 lines in EUR (tenant {tenant}) have no US dollars: "
        f"ctl fx import a rate of {day} or before\n"
        "clean: every invariant holds\n"
    )
    (waiting,) = json.loads(ctl("verify --json", db.url).stdout)["without_rate"]
    assert waiting == {
        "tenant_id": tenant, "currency": "EUR", "lines": 1, "first_day": day, "last_day": day
    }  # fmt: skip

    done = ctl("fx import", db.url, write(tmp_path, GOOD))
    assert done.exit_code == 0, done.output
    assert done.stdout == "3 added, 0 corrected, 0 known\nctl run adjusts the sales that they concern\n"
    assert known(db)[0] == ("EUR", "2026-03-01", "1.0817", "rates.csv")
    assert ctl("run", db.url).exit_code == 0
    assert dollars(db) == (10818, 2)  # 100.01 * 1.0817 = 108.180817
    assert ctl("verify", db.url).stdout == "clean: every invariant holds\n"

    again = ctl("fx import --json --source ECB", db.url, write(tmp_path, GOOD))
    assert json.loads(again.stdout) == {"added": 0, "corrected": 0, "known": 3}
    other = write(tmp_path, GOOD.replace("1.0817", "1.1"))
    refused = ctl("fx import", db.url, other)
    words = (
        "rates.csv, line 2, column rate: the rate of EUR on 2026-03-01 is known as 1.0817",
        "(RA008)",
        "--correct",
    )
    assert_error(refused, 1, *words)
    assert ctl("fx import --correct --source ECB", db.url, other).stdout.startswith(
        "0 added, 1 corrected, 2 known"
    )
    assert known(db)[0] == ("EUR", "2026-03-01", "1.1", "ECB")
    assert ctl("run", db.url).exit_code == 0
    assert dollars(db) == (11001, 3)  # 100.01 * 1.1 = 110.011
    assert ctl("verify", db.url).stdout == "clean: every invariant holds\n"


MISTAKES = [
    (GOOD.replace("2026-03-02", "2026-02-29"), 4, "date", "date '2026-02-29' is not a day"),
    (GOOD.replace("2026-03-02", "02.03.2026"), 4, "date", "date '02.03.2026' is not a day"),
    (GOOD.replace("2026-03-02", ""), 4, "date", "date '' is not a day"),
    (GOOD.replace("KWD", "kwd"), 4, "currency", "currency 'kwd' is not known"),
    (GOOD.replace("KWD", "USD"), 4, "currency", "the US dollar has no rate to itself"),
    (GOOD.replace("3.2485", "-3.2485"), 4, "rate", "rate '-3.2485' is not a positive number"),
    (GOOD.replace("3.2485", "3e2"), 4, "rate", "rate '3e2' is not a positive number"),
    (GOOD.replace("3.2485", "0.00"), 4, "rate", "rate '0.00' is not a positive number"),
    (GOOD.replace("3.2485", "NaN"), 4, "rate", "rate 'NaN' is not a positive number"),
    (GOOD + "\n2026-03-01,EUR,1.09\n", 6, "date", "EUR has more than one rate for 2026-03-01"),
    (GOOD.replace("3.2485", "3,2485"), 4, None, "it has 4 values, the header has 3 columns"),
    (GOOD.replace("rate\n", "kurs\n"), 1, "kurs", "the column is not known"),
    (GOOD.replace("rate\n", "currency\n"), 1, "currency", "currency is there more than once"),
    ("date,currency\n2026-03-01,EUR\n", 1, "rate", "the column is missing"),
    (GOOD.replace("KWD", '"KWD'), 4, None, "it is not CSV: "),
    (GOOD.encode().replace(b"KWD", b"\xff"), 4, None, "it is not UTF-8: byte 0xff"),
    (GOOD.replace("KWD", "\0"), 4, None, "it holds a NUL byte"),
    ("", 1, None, "the file is empty"),
]


@pytest.mark.parametrize(
    ("text", "line", "column", "problem"), MISTAKES, ids=[problem for *_, problem in MISTAKES]
)
@one_server
def test_a_mistake_is_named_and_nothing_is_stored(
    ctl: Ctl, db: Database, tmp_path: Path, text: str | bytes, line: int, column: str | None, problem: str
) -> None:
    file = write(tmp_path, text)
    where = f"Error: rates.csv, line {line}" + (f", column {column}" if column else "") + f": {problem}"
    assert_error(ctl("fx import", db.url, file), 2, where)
    error = json.loads(ctl("fx import --json", db.url, file).stdout)["error"]
    assert (error["file"], error["line"], error["column"]) == ("rates.csv", line, column)
    assert problem in error["message"]
    assert known(db) == []


@one_server
def test_other_columns_are_mapped_or_left_out(ctl: Ctl, db: Database, tmp_path: Path) -> None:
    text = "\ufeffDay;x\n".replace(";", ",") + "2026-03-01,1\n"
    file = write(tmp_path, '\ufeffDay,ISO,Rate,Note\r\n 2026-03-01 ,EUR,1.0817,"fixing, noon"\r\n')
    assert_error(ctl("fx import", db.url, file), 2, "line 1, column Day: the column is not known", "--map")
    words = "fx import --map Day=date --map ISO=currency --map Rate=rate --map Note=-"
    wrong = write(tmp_path, text, "wrong.csv")
    assert_error(ctl(words, db.url, wrong), 2, "wrong.csv, line 1, column x: the column is not known")
    assert ctl(words, db.url, file).exit_code == 0
    assert known(db) == [("EUR", "2026-03-01", "1.0817", "rates.csv")]
    bad = write(tmp_path, "Day,ISO,Rate,Note\n2026-03-02,EUR,x,\n")
    assert_error(ctl(words, db.url, bad), 2, "line 2, column Rate: rate 'x' is not a positive number")
    assert_error(ctl("fx import --map a=b", db.url, file), 2, "--map a=b: not COLUMN=FIELD")
    gone = f"{words} --map Nil=-"
    assert_error(ctl(gone, db.url, file), 2, "column Nil: the column is mapped, and not in the file")


@one_server
def test_gzip_and_standard_input(ctl: Ctl, db: Database, tmp_path: Path) -> None:
    assert ctl("fx import", db.url, write(tmp_path, gzip.compress(GOOD.encode()), "r.csv.gz")).exit_code == 0
    command = [sys.executable, "-m", "controlplane", "fx", "import", "-", "--json", "--database-url", db.url]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    piped = subprocess.run(command, input=GOOD, env=environment, capture_output=True, text=True, timeout=60)
    assert json.loads(piped.stdout) == {"added": 0, "corrected": 0, "known": 3}


@one_server
def test_a_damaged_file(ctl: Ctl, db: Database, tmp_path: Path) -> None:
    long = GOOD + "".join(f"2027-01-{day:02d},EUR,1.{day}\n" for day in range(1, 32)) * 500
    for text in (GOOD, long):
        file = write(tmp_path, gzip.compress(text.encode())[:-9], "rates.csv.gz")
        assert_error(ctl("fx import", db.url, file), 3, "rates.csv.gz is damaged", "Nothing was imported.")
    assert known(db) == []


@one_server
def test_list(ctl: Ctl, db: Database, tmp_path: Path) -> None:
    assert ctl("fx import", db.url, write(tmp_path, GOOD)).exit_code == 0
    listed = json.loads(ctl("fx list --json", db.url).stdout)
    assert [(row["currency"], row["rate_date"], row["rate_to_usd"]) for row in listed] == [
        ("EUR", "2026-03-01", "1.0817"), ("JPY", "2026-03-01", "0.0067"), ("KWD", "2026-03-02", "3.2485")
    ]  # fmt: skip
    assert [
        row["currency"] for row in json.loads(ctl("fx list --json --from 2026-03-02", db.url).stdout)
    ] == ["KWD"]
    assert len(json.loads(ctl("fx list --json --to 2026-03-01", db.url).stdout)) == 2
    assert len(json.loads(ctl("fx list --json --limit 1", db.url).stdout)) == 1
    shown = ctl("fx list --currency JPY", db.url).stdout
    assert "0.0067" in shown and "1.0817" not in shown
    assert_error(ctl("fx list --from yesterday", db.url), 2, "Invalid value for '--from'")


@one_server
def test_rates_are_the_business_of_an_unbound_admin(
    ctl: Ctl, db: Database, tmp_path: Path, login: Callable[..., psycopg.Connection[Any]]
) -> None:
    tenant = create(ctl, db.url)["tenant_id"]
    sell(db, tenant, 10001)
    file = write(tmp_path, GOOD)
    app, admin = login("attribution_app"), login("attribution_admin")
    urls = [db.server.url(db.name, user=c.info.user, password=c.info.password) for c in (app, admin)]
    assert_error(ctl("fx import", urls[0], file), 1, "permission denied for function import_fx_rates")
    assert json.loads(ctl("fx list --json", urls[0]).stdout) == []
    assert ctl("fx import", urls[1], file).exit_code == 0
    with db.connect() as connection:
        connection.execute("SELECT attribution.bind_login(%s, %s)", [admin.info.user, tenant])
    assert_error(ctl("fx import", urls[1], file), 1, "(RA009)")
