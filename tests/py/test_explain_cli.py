"""ctl explain: one page and one JSON document tell the same story."""

import json

import pytest
from ctl import Ctl, assert_error, create, runner, sell
from servers import Database


@pytest.fixture
def ctl(monkeypatch: pytest.MonkeyPatch) -> Ctl:
    return runner(monkeypatch)


def send(db: Database, tenant: str, event: str, when: str, **columns: object) -> None:
    """One event of the session of ctl.sell()."""
    names, values = ", ".join(columns), list(columns.values())
    with db.connect() as connection:
        connection.execute("SELECT attribution.set_tenant(%s)", [tenant])
        connection.execute(
            f"""
            INSERT INTO attribution.attribution_events
                (event_type, session_id, occurred_at, idempotency_key, {names})
            VALUES (%s, '11111111-1111-1111-1111-111111111111', now() - %s::interval, %s
                {", %s" * len(columns)})
            """.encode(),
            [event, when, event + when, *values],
        )


def test_a_restated_sale(ctl: Ctl, db: Database) -> None:
    tenant = create(ctl, db.url)["tenant_id"]
    sell(db, tenant, 10001)
    send(db, tenant, "click", "30 hours", channel="tiktok_paid", campaign_id="spring")
    assert ctl("run", db.url).exit_code == 0
    story = json.loads(ctl("explain order-1 --json --tenant", db.url, "Acme Shop").stdout)
    (event,) = story["events"]
    assert [batch["kind"] for batch in event["batches"]] == ["attribution", "restatement"]
    book = event["rules"][0]
    assert (book["is_book"], book["allocated_cents"]) == (True, 10001)
    assert [share["allocated_revenue_cents"] for share in book["shares"]] == [4001, 2000, 4000]
    page = ctl("explain order-1 --tenant", db.url, "Acme Shop").stdout
    lines = [" ".join(line.split()) for line in page.splitlines()]
    assert lines[:2] == ["Transaction order-1", "captured: captured 100.01, refunded 0.00, net 100.01 EUR"]
    assert any(line.startswith("purchase of 100.01 EUR, ") for line in lines)
    assert "processing: processed" in lines
    assert f"position_based_30d, version {book['version']} (the book)" in lines
    for share, amount in zip(book["shares"], ("40.01", "20.00", "40.00"), strict=True):
        assert any(f"{amount} {share['reason']}" in line for line in lines), share["reason"]
    assert any("tiktok_paid spring" in line for line in lines)
    assert "100.01 all" in lines
    assert any(line.startswith("restatement posted ") for line in lines)
    assert "reversal google_search_paid captured -50.01 EUR no rate yet" in lines


def test_a_sale_that_no_touch_earned_and_that_names_no_transaction(ctl: Ctl, db: Database) -> None:
    tenant = create(ctl, db.url)["tenant_id"]
    send(db, tenant, "purchase", "1 hour", conversion_value_cents=5000, currency="JPY")
    with db.connect() as connection:
        row = connection.execute("SELECT id::text FROM attribution.attribution_events").fetchone()
    assert row is not None
    page = ctl(f"explain {row[0]} --tenant {tenant}", db.url)
    assert page.exit_code == 0, page.output
    assert "purchase of 5,000 JPY" in page.stdout
    assert "no touch within the lookback window" in page.stdout


def test_a_refund_is_part_of_the_story(ctl: Ctl, db: Database) -> None:
    tenant = create(ctl, db.url)["tenant_id"]
    sell(db, tenant, 10001)
    send(db, tenant, "refund", "0 hours", conversion_value_cents=1, currency="EUR", transaction_id="order-1")
    page = ctl(f"explain order-1 --tenant {tenant}", db.url).stdout
    assert page.index("purchase of 100.01 EUR") < page.index("refund of 0.01 EUR")


def test_a_dispute_that_is_lost(ctl: Ctl, db: Database) -> None:
    """States, dollars at their rate, and a line that has none yet."""
    tenant = create(ctl, db.url)["tenant_id"]
    sell(db, tenant, 10001)
    send(db, tenant, "dispute_opened", "50 minutes", transaction_id="order-1")
    lost = {"conversion_value_cents": 10001, "currency": "EUR", "transaction_id": "order-1"}
    send(db, tenant, "chargeback", "40 minutes", **lost)
    page = ctl(f"explain order-1 --tenant {tenant}", db.url).stdout
    assert "charged_back: captured 100.01, refunded 100.01, net 0.00 EUR\n" in page
    assert page.index("captured → disputed: dispute_opened") < page.index(
        "disputed → charged_back: chargeback"
    )
    assert (
        page.index("purchase of 100.01")
        < page.index("\ndispute_opened, ")
        < page.index("chargeback of 100.01")
    )
    assert "disputed → charged_back   -50.01 EUR   no rate yet" in page

    with db.connect() as connection:
        rates = '[{"date": "2000-01-01", "currency": "EUR", "rate": "1.1"}]'
        connection.execute("SELECT attribution.import_fx_rates(%s, 'test')", [rates])
    assert ctl("run", db.url).exit_code == 0
    page = ctl(f"explain order-1 --tenant {tenant}", db.url).stdout
    assert "net 0.00 EUR (0.00 USD)\n" in page
    assert "-55.01 at 1.1" in page
    story = json.loads(ctl(f"explain order-1 --json --tenant {tenant}", db.url).stdout)
    assert [(move["from_state"], move["to_state"]) for move in story["transitions"]] == [
        ("captured", "disputed"), ("disputed", "charged_back")
    ]  # fmt: skip
    assert [event["event_type"] for event in story["events"]] == ["purchase", "dispute_opened", "chargeback"]
    lines = [line for event in story["events"] for batch in event["batches"] for line in batch["lines"]]
    assert sum(line["amount_usd_cents"] or 0 for line in lines) == 0
    assert {line["fx_rate_used"] for line in lines if line["entry_type"] == "adjustment"} == {"1.1"}
    assert story["overrides"] == []


def test_no_such_transaction(ctl: Ctl, db: Database) -> None:
    one, other = (create(ctl, db.url, name)["tenant_id"] for name in ("One", "Other"))
    sell(db, one, 10001)
    assert_error(ctl(f"explain order-1 --tenant {other}", db.url), 1, "no transaction 'order-1' (RA004)")
    assert_error(ctl("explain order-1", db.url), 2, "Missing option '--tenant'")
