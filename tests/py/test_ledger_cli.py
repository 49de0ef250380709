"""ctl ledger: balances, lines, an export of any size, seals that are held against the chain."""

import csv
import hashlib
import io
import json
import tracemalloc
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from ctl import Ctl, assert_error, create, runner
from engine import at, drain, purchase, send, touch, use
from servers import Database

from controlplane import ledger
from controlplane.commands import common

one_server = pytest.mark.servers("one")
HUGE = 9_007_199_254_740_993
RATES = '[{"date": "2026-03-01", "currency": "JPY", "rate": "0.0067"}]'


@pytest.fixture
def ctl(monkeypatch: pytest.MonkeyPatch) -> Ctl:
    return runner(monkeypatch)


@pytest.fixture
def shop(ctl: Ctl, db: Database) -> str:
    """Sales of 99.99 USD (30.00 refunded), 9,800 JPY (charged back), and huge ones in USD and KWD, for which
    there is no rate. The tenant's days are those of Berlin."""
    words = "tenant create --json --email ops@acme.example --time-zone Europe/Berlin"
    tenant = str(json.loads(ctl(words, db.url, "Acme Shop").stdout)["tenant_id"])
    with db.connect() as connection:
        use(connection, tenant)
        connection.execute("SELECT attribution.import_fx_rates(%s, 'test')", [RATES])
        send(
            connection,
            touch(1, at(), session=1, channel="email", campaign_id="spring"),
            touch(2, at(hours=1), session=1),
            purchase(11, at(days=1), 9999, session=1),
            back(21, at(days=2), 3000, "sale-11", event_type="refund", currency="USD"),
            touch(3, at(), session=2),
            purchase(12, at(days=3), 9800, session=2, currency="JPY"),
            back(22, at(days=4), None, "sale-12", event_type="dispute_opened"),
            back(23, at(days=5), 9800, "sale-12", event_type="chargeback", currency="JPY"),
            purchase(13, at(days=6), HUGE, session=3),
            purchase(14, at(days=7), HUGE, session=4, currency="KWD"),
        )
        drain_committed(connection)
    return tenant


def back(number: int, when: Any, cents: int | None, sale: str, **columns: Any) -> dict[str, Any]:
    """What happens to a sale after it was made."""
    return touch(number, when, channel=None, conversion_value_cents=cents, transaction_id=sale) | columns


def drain_committed(connection: Any) -> None:
    """Drain the queue when everybody can see what was sent."""
    connection.commit()
    drain(connection)


def answer(ctl: Ctl, db: Database, words: str, *more: str, code: int = 0) -> Any:
    result = ctl(f"{words} --json", db.url, *more)
    assert result.exit_code == code, result.output
    return json.loads(result.stdout)


def page(ctl: Ctl, db: Database, words: str) -> list[str]:
    """The lines of a table with single blanks."""
    result = ctl(words, db.url)
    assert result.exit_code == 0, result.output
    return [" ".join(line.split()) for line in result.stdout.splitlines()]


def tamper(db: Database, table: str, change: str) -> None:
    """Change rows behind the guards, and put these back."""
    triggers = "SELECT tgname FROM pg_trigger WHERE tgrelid = %s::regclass AND NOT tgisinternal"
    with db.connect() as connection:
        guards = [name for (name,) in connection.execute(triggers, [f"attribution.{table}"])]
        assert guards
        connection.execute(f"ALTER TABLE attribution.{table} DISABLE TRIGGER USER".encode())
        connection.execute(change.encode())
        for guard in guards:
            connection.execute(f"ALTER TABLE attribution.{table} ENABLE ALWAYS TRIGGER {guard}".encode())


# Balances


def test_balance_by_channel(ctl: Ctl, db: Database, shop: str) -> None:
    found = answer(ctl, db, f"ledger balance --tenant {shop}")
    held = {
        (row["channel_code"], row["currency"]): (
            row["balance_cents"], row["refunded_cents"], row["balance_usd_cents"]
        )
        for row in found
    }  # fmt: skip
    assert held == {
        ("direct", "JPY"): (0, 9800, 0),
        ("direct", "USD"): (3499, 1500, 3499),
        ("email", "USD"): (3500, 1500, 3500),
        ("unattributed", "KWD"): (HUGE, 0, None),
        ("unattributed", "USD"): (HUGE, 0, HUGE),
    }
    shown = page(ctl, db, f"ledger balance --tenant {shop}")
    assert "balance by channel: 5" in shown
    assert "email 15.00 35.00 USD 35.00" in shown
    assert "unattributed 0.000 9,007,199,254,740.993 KWD" in shown
    assert "balance by channel, the first 2 (--limit)" in page(
        ctl, db, f"ledger balance --tenant {shop} --limit 2"
    )


def test_balance_by_transaction(ctl: Ctl, db: Database, shop: str) -> None:
    found = answer(ctl, db, f"ledger balance --by transaction --tenant {shop}")
    assert [
        (row["transaction_id"], row["state"], row["captured_cents"], row["net_cents"], row["net_usd_cents"])
        for row in found
    ] == [
        ("sale-11", "partially_refunded", 9999, 6999, 6999),
        ("sale-12", "charged_back", 9800, 0, 0),
        ("sale-13", "captured", HUGE, HUGE, HUGE),
        ("sale-14", "captured", HUGE, HUGE, None),
    ]
    shown = page(ctl, db, f"ledger balance --by transaction --tenant {shop}")
    assert "sale-12 charged_back 9,800 9,800 0 JPY 0.00" in shown


def test_the_trial_balance_is_zero_or_exits_1(ctl: Ctl, db: Database, shop: str) -> None:
    found = answer(ctl, db, f"ledger balance --trial --tenant {shop}")
    assert [(row["currency"], row["difference_cents"]) for row in found] == [
        ("JPY", 0),
        ("KWD", 0),
        ("USD", 0),
    ]
    assert "9,007,199,254,740.993 0.000 9,007,199,254,740.993 0.000 KWD" in page(
        ctl, db, f"ledger balance --trial --tenant {shop}"
    )
    raised = "SET amount_cents = amount_cents + 1, amount_usd_cents = amount_usd_cents + 1"
    tamper(
        db, "revenue_ledger", f"UPDATE attribution.revenue_ledger {raised} WHERE transaction_id = 'sale-13'"
    )
    found = answer(ctl, db, f"ledger balance --trial --tenant {shop}", code=1)
    assert [row["difference_cents"] for row in found] == [0, 0, -1]


def test_a_refused_refund_is_named_and_moves_nothing(ctl: Ctl, db: Database, shop: str) -> None:
    before = answer(ctl, db, f"ledger balance --by transaction --tenant {shop}")
    with db.connect() as connection:
        use(connection, shop)
        send(connection, back(31, at(days=8), 7000, "sale-11", event_type="refund", currency="USD"))
        send(connection, back(32, at(days=8), 1, "sale-11", event_type="refund", currency="EUR"))
        send(connection, back(33, at(days=8), None, "sale-11", event_type="dispute_opened"))
        drain_committed(connection)
    found = answer(ctl, db, f"verify --tenant {shop}", code=1)["breaches"]
    assert [(row["check"], row["detail"].partition("\n")[0]) for row in found] == [
        ("currency_mismatch", "RA007: CURRENCY_MISMATCH: refund in EUR of a sale in USD"),
        (
            "illegal_state",
            "RA006: ILLEGAL_STATE: no dispute_opened of a transaction that is partially_refunded",
        ),
        ("over_refund", "RA007: OVER_REFUND: refund of 7000 USD, and 6999 are left"),
    ]
    assert answer(ctl, db, f"ledger balance --by transaction --tenant {shop}") == before
    assert ctl(f"ledger balance --trial --tenant {shop}", db.url).exit_code == 0
    story = json.loads(ctl(f"explain sale-11 --json --tenant {shop}", db.url).stdout)
    refused = [event for event in story["events"] if event["processing"]["last_error"]]
    assert sorted(event["value_cents"] or 0 for event in refused) == [0, 1, 7000]
    assert all(event["batches"] == [] for event in refused)
    assert "OVER_REFUND" in ctl(f"explain sale-11 --tenant {shop}", db.url).stdout


# Lines


def test_lines(ctl: Ctl, db: Database, shop: str) -> None:
    found = answer(ctl, db, f"ledger lines --tenant {shop} --transaction sale-11")
    assert sorted((row["entry_type"], row["amount"], row["amount_usd"]) for row in found) == [
        ("attribution", "49.99", "49.99"), ("attribution", "50.00", "50.00"),
        ("refund", "-15.00", "-15.00"), ("refund", "-15.00", "-15.00"),
    ]  # fmt: skip
    assert {row["occurred_at"] for row in found if row["account"] == "returns"} == {
        "2026-03-03T00:00:00.000000Z"
    }
    shown = page(ctl, db, f"ledger lines --tenant {shop} --limit 1")
    assert "ledger lines, the first 1 (--limit)" in shown
    (line,) = answer(ctl, db, f"ledger lines --tenant {shop} --transaction sale-14")
    assert (line["amount_cents"], line["amount"], line["amount_usd"]) == (HUGE, "9007199254740.993", None)


def test_a_table_says_that_there_is_more_and_json_has_it_all(
    ctl: Ctl, db: Database, shop: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(common, "SHOWN", 3)
    for words, title, rows in (
        ("lines", "ledger lines", 8),
        ("balance", "balance by channel", 5),
        ("balance --by transaction", "balance by transaction", 4),
    ):
        shown = page(ctl, db, f"ledger {words} --tenant {shop}")
        assert f"{title}, the first 3 (--limit)" in shown
        assert len(answer(ctl, db, f"ledger {words} --tenant {shop}")) == rows
        assert len(answer(ctl, db, f"ledger {words} --tenant {shop} --limit 2")) == 2
        assert f"{title}: {rows}" in page(ctl, db, f"ledger {words} --tenant {shop} --limit {rows}")


def test_bounds_are_in_the_tenants_zone(ctl: Ctl, db: Database, shop: str) -> None:
    def sales(*bounds: str) -> list[str]:
        words = f"ledger lines --tenant {shop} {' '.join(bounds)}"
        return sorted({row["transaction_id"] for row in answer(ctl, db, words)})

    # sale-11 is of 2 March 00:00 UTC, in Berlin 01:00; sale-13 of 7 March 00:00 UTC.
    assert sales("--to", "2026-03-02T01:00:00.000001") == ["sale-11"]
    assert sales("--to", "2026-03-02T01:00") == []
    assert sales("--to", "2026-03-02T00:00:01Z") == ["sale-11"]
    assert sales("--from", "2026-03-07") == ["sale-13", "sale-14"]
    assert sales("--from", "2026-03-07T01:00:01", "--to", "2027-01-01") == ["sale-14"]
    assert sales("--time", "posted", "--to", "2026-03-02") == []
    assert len(sales("--time", "posted", "--from", "2026-03-02")) == 4
    assert_error(
        ctl(f"ledger lines --tenant {shop} --from tomorrowish", db.url),
        1,
        "invalid input syntax for type timestamp",
    )


# Export


def test_export_has_every_line_exactly(ctl: Ctl, db: Database, shop: str, tmp_path: Path) -> None:
    with db.connect() as connection:
        query = """
            SELECT id::text, amount_cents, amount_usd_cents, transaction_id
            FROM attribution.revenue_ledger ORDER BY batch_id, id
            """
        stored = connection.execute(query).fetchall()
    printed = ctl(f"ledger export --tenant {shop}", db.url)
    rows = list(csv.DictReader(io.StringIO(printed.stdout)))
    assert [
        (
            row["id"],
            int(row["amount_cents"]),
            int(row["amount_usd_cents"] or 0) or None,
            row["transaction_id"],
        )
        for row in rows
    ] == stored
    lines = ctl(f"ledger export --tenant {shop} --format ndjson", db.url).stdout.splitlines()
    parsed = [json.loads(line) for line in lines]
    assert [
        (row["id"], row["amount_cents"], row["amount_usd_cents"], row["transaction_id"]) for row in parsed
    ] == stored
    assert [
        {name: "" if value is None else str(value) for name, value in row.items()} for row in parsed
    ] == rows

    file = tmp_path / "ledger.csv"
    done = answer(ctl, db, f"ledger export --tenant {shop} -o {file}")
    assert file.read_text() == printed.stdout
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    assert done == {"file": str(file), "lines": len(stored), "sha256": digest}
    said = ctl(f"ledger export --tenant {shop} --transaction sale-14 -o {file}", db.url).stdout
    assert said == f"{file}: 1 lines, SHA-256 {hashlib.sha256(file.read_bytes()).hexdigest()}\n"
    assert len(file.read_text().splitlines()) == 2
    assert list(tmp_path.iterdir()) == [file]


def test_an_override_is_exported_with_its_audit_trail(ctl: Ctl, db: Database, shop: str) -> None:
    words = f"override set sale-13 --tenant {shop} --share email=100 --by jo"
    assert ctl(words, db.url, "--reason", 'a "call", and more').exit_code == 0
    words = f"ledger export --tenant {shop} --transaction sale-13"
    rows = [row for row in csv.DictReader(io.StringIO(ctl(words, db.url).stdout)) if row["override_by"]]
    assert {row["override_by"] for row in rows} == {"jo"}
    assert {json.loads(row["audit_trail"])["reason"] for row in rows} == {'a "call", and more'}
    parsed = [json.loads(line) for line in ctl(f"{words} --format ndjson", db.url).stdout.splitlines()]
    assert [row["audit_trail"] for row in parsed if row["override_by"]] == [
        json.loads(row["audit_trail"]) for row in rows
    ]


@one_server
def test_an_export_that_fails_leaves_the_file_alone(
    ctl: Ctl, db: Database, shop: str, tmp_path: Path
) -> None:
    file = tmp_path / "ledger.csv"
    file.write_text("of last month")
    words = f"ledger export --tenant {shop} -o {file}"
    assert_error(ctl(f"{words} --from nonsense", db.url), 1, "invalid input syntax")
    assert_error(ctl(f"ledger export --tenant {UUID(int=1)} -o {file}", db.url), 1, "(RA004)")
    assert file.read_text() == "of last month"
    assert list(tmp_path.iterdir()) == [file]
    assert_error(ctl(f"ledger export --tenant {shop} -o /dev/null/x", db.url), 3, "Hint: check the path")
    assert_error(ctl(f"ledger export --tenant {shop} --json", db.url), 2, "--json needs -o FILE")


@one_server
def test_an_empty_ledger(ctl: Ctl, db: Database) -> None:
    tenant = create(ctl, db.url)["tenant_id"]
    assert ctl(f"ledger export --tenant {tenant}", db.url).stdout.startswith("id,batch_id,")
    assert len(ctl(f"ledger export --tenant {tenant}", db.url).stdout.splitlines()) == 1
    assert ctl(f"ledger export --format ndjson --tenant {tenant}", db.url).stdout == ""
    for words in ("balance", "balance --by transaction", "balance --trial", "lines"):
        assert answer(ctl, db, f"ledger {words} --tenant {tenant}") == []


@one_server
def test_an_export_needs_little_memory(ctl: Ctl, db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger, "FETCHED", 100)
    tenant = UUID(create(ctl, db.url)["tenant_id"])
    with db.connect(autocommit=True) as connection:
        use(connection, str(tenant))
        send(connection, *(touch(number, at(minutes=number)) for number in range(1, 1001)))
        send(connection, *(purchase(2000 + day, at(days=day), 99999, session=1) for day in range(1, 9)))
        peaks, sizes = [], []
        for end in ("2026-03-02T12:00Z", None):
            tracemalloc.start()
            counts = [count for count, _ in ledger.export(connection, tenant, "ndjson", end=end)]
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
            sizes.append(sum(counts))
            assert set(counts) == {100}
        assert sizes == [1000, 8000]
        assert peaks[1] < 2 * peaks[0]


# Seals


def test_a_seal_is_given_away_and_held_against_the_chain(ctl: Ctl, db: Database, shop: str) -> None:
    other = create(ctl, db.url, "Other")["tenant_id"]
    (seal,) = answer(ctl, db, f"ledger export-seal --tenant {shop}")
    assert (seal["tenant_id"], seal["name"], seal["unsealed_batches"]) == (shop, "Acme Shop", 0)
    assert seal["seq"] > 0
    both = {row["tenant_id"]: row for row in answer(ctl, db, "ledger export-seal")}
    assert both[shop] == seal
    assert (both[other]["seq"], both[other]["chain_hash"], both[other]["sealed_at"]) == (0, None, None)
    shown = ctl("ledger export-seal", db.url).stdout
    assert f"{seal['chain_hash']}  Acme Shop: seal {seal['seq']} of {seal['sealed_at']}\n" in shown
    assert f"{'-':<64}  Other: not sealed yet\n" in shown

    assert (
        ctl(f"override set sale-13 --tenant {shop} --share email=100 --by jo --reason x", db.url).exit_code
        == 0
    )
    assert answer(ctl, db, f"ledger export-seal --tenant {shop}") == [seal | {"unsealed_batches": 1}]
    assert "1 batches since (ctl ledger seal)" in ctl("ledger export-seal", db.url).stdout
    assert ctl("ledger seal", db.url).stdout == "sealed 1 batches\n"
    assert answer(ctl, db, f"ledger seal --tenant {shop}") == {"sealed": 0}
    (newest,) = answer(ctl, db, f"ledger export-seal --tenant {shop}")
    assert (newest["seq"], newest["unsealed_batches"]) == (seal["seq"] + 1, 0)

    old = seal["chain_hash"]
    for words in (f"verify --against {old}", f"verify --against {old.upper()} --tenant {shop}"):
        assert ctl(words, db.url).exit_code == 0
    (breach,) = answer(ctl, db, f"verify --against {old} --tenant {other}", code=1)["breaches"]
    assert (breach["check"], breach["object"]) == ("chain_rewritten", f"seal {old}")

    # Whoever may switch the guards off writes the chain anew: sound, and not the one that was given away.
    tamper(db, "ledger_seals", "DELETE FROM attribution.ledger_seals")
    assert ctl("ledger seal", db.url).exit_code == 0
    assert ctl("verify", db.url).exit_code == 0
    (breach,) = answer(ctl, db, f"verify --against {old}", code=1)["breaches"]
    assert breach["check"] == "chain_rewritten"
    assert "chain_rewritten: " in ctl(f"verify --against {old}", db.url).stdout


@pytest.mark.parametrize("given", ["", "abc", "g" * 64, "a" * 63, "a" * 65])
def test_a_hash_that_is_none(ctl: Ctl, given: str) -> None:
    assert_error(
        ctl("verify", "postgresql://localhost:1/x", "--against", given),
        2,
        "a chain hash has 64 hexadecimal digits",
    )


@one_server
def test_who_may(ctl: Ctl, db: Database, shop: str, login: Any) -> None:
    """A reader reads its tenant's ledger; sealing is for admins."""
    reader = login("attribution_reader")
    url = db.server.url(db.name, user=reader.info.user, password=reader.info.password)
    for words in ("balance", "balance --trial", "lines", "export", "export-seal"):
        result = ctl(f"ledger {words} --tenant {shop}", url)
        assert result.exit_code == 0, result.output
    assert_error(ctl(f"ledger seal --tenant {shop}", url), 1, "permission denied for function seal_ledger")
    with db.connect() as connection:
        other = create(ctl, db.url, "Other")["tenant_id"]
        connection.execute("SELECT attribution.bind_login(%s, %s)", [reader.info.user, other])
    for words in ("balance", "lines", "export", "export-seal"):
        assert_error(ctl(f"ledger {words} --tenant {shop}", url), 1, "(RA009)")
