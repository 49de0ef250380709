"""The demo: what it prints is true, a second run changes nothing, and what is wrong makes it exit 1."""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.rows import dict_row
from servers import Database

from controlplane import demo, simulator
from controlplane.demo import Player
from controlplane.errors import CtlError

ROWS = simulator.MINIMUM_ROWS
SHOP, VENDOR = (
    Player(player.name, player.role, player.currency, player.mode, partial(script, ROWS))
    for player, script in zip(demo.PLAYERS, (simulator.shop, simulator.vendor), strict=True)
)
TABLES = (
    "tenants",
    "tenant_logins",
    "attribution_events",
    "event_processing",
    "dead_events",
    "attribution_allocations",
    "ledger_batches",
    "revenue_ledger",
    "revenue_state_transitions",
    "ledger_seals",
    "fx_rates",
    "work_queue",
    "unfolded_changes",
    "summary_states",
    "channel_days",
    "ledger_days",
    "partner_totals",
    "conversion_paths",
)


def play(db: Database, capsys: pytest.CaptureFixture[str], *players: Player) -> tuple[int, dict[str, Any]]:
    """Run the demo; its exit code and its JSON."""
    code = demo.run(db.url, json_output=True, players=players or (SHOP, VENDOR))
    return code, json.loads(capsys.readouterr().out)


def contents(db: Database) -> dict[str, str]:
    """A digest of every row of every table that the demo may write."""
    query = sql.SQL("SELECT md5(string_agg(t::text, '|' ORDER BY t::text)) FROM attribution.{} AS t")
    with db.connect() as conn:
        return {
            table: conn.execute(query.format(sql.Identifier(table))).fetchone()[0]  # type: ignore[index]
            for table in TABLES
        }


def test_figures_are_those_of_the_simulator(db: Database, capsys: pytest.CaptureFixture[str]) -> None:
    code, found = play(db, capsys)

    assert (code, found["clean"], found["breaches"]) == (0, True, [])
    for player, tenant in zip((SHOP, VENDOR), found["tenants"], strict=True):
        script = player.script()
        expected = Counter(delivery.verdict for delivery in script)
        verdicts = tenant["verdicts"]
        assert (verdicts["sent"], verdicts["lost"]) == (ROWS, 0)
        assert verdicts["accepted"] == expected.pop("accepted") == verdicts["held"]["events"]
        assert verdicts["duplicates"] == expected.pop("duplicate")
        assert verdicts["quarantined"] == expected

        sold: Counter[str] = Counter()
        back: Counter[str] = Counter()
        for event in (delivery.event for delivery in script if delivery.verdict == "accepted"):
            if event.currency and event.conversion_value_cents:
                counter = back if event.event_type in ("refund", "chargeback") else sold
                counter[event.currency] += event.conversion_value_cents
        assert {line["currency"]: line["captured_cents"] for line in tenant["proof"]} == sold
        returned = {currency: back[currency] for currency in sold}
        assert {line["currency"]: line["refunded_cents"] for line in tenant["proof"]} == returned
        assert {line["currency"]: line["ledger_cents"] for line in tenant["proof"]} == sold - back
        assert {line["drift_cents"] for line in tenant["proof"]} == {0}
        assert tenant["is_exact"] is True


def test_sales_come_back_and_everything_is_converted_and_sealed(
    db: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    _, found = play(db, capsys)

    shop, vendor = found["tenants"]
    assert shop["states"].keys() >= {"captured", "partially_refunded", "refunded", "charged_back"}
    assert vendor["states"].keys() == {"captured"}
    for tenant in found["tenants"]:
        assert tenant["seal"]["unsealed_batches"] == 0 < tenant["seal"]["seq"]
        assert all(line["net_usd_cents"] for line in tenant["proof"])
    [dollars] = shop["proof"]
    assert dollars["net_usd_cents"] == dollars["net_cents"]
    assert all(line["net_usd_cents"] > line["net_cents"] for line in vendor["proof"])


@pytest.mark.servers("one")
def test_sample_rates_do_not_mix_with_real_ones(db: Database, capsys: pytest.CaptureFixture[str]) -> None:
    real = [("EUR", "1.5", "ours")]
    with db.connect(autocommit=True) as conn:
        rates = '[{"date": "2025-01-01", "currency": "EUR", "rate": "1.5"}]'
        conn.execute("SELECT attribution.import_fx_rates(%s, 'ours')", [rates])
        play(db, capsys, VENDOR)
        query = "SELECT currency, rate_to_usd::text, source FROM attribution.fx_rates WHERE currency = 'EUR'"
        assert conn.execute(query).fetchall() == real
        assert conn.execute("SELECT count(*) FROM attribution.fx_rates").fetchone() == (6,)


def test_a_second_run_changes_nothing(db: Database, capsys: pytest.CaptureFixture[str]) -> None:
    play(db, capsys)
    before = contents(db)
    code, found = play(db, capsys)

    assert code == 0
    assert contents(db) == before
    for tenant in found["tenants"]:
        verdicts = tenant["verdicts"]
        assert set(verdicts["new"].values()) == {0}
        assert set(verdicts["quarantined"].values()) == {0}
        assert (verdicts["accepted"], verdicts["duplicates"], verdicts["lost"]) == (0, ROWS, 0)


def test_every_model_divides_the_same_revenue(db: Database, capsys: pytest.CaptureFixture[str]) -> None:
    _, found = play(db, capsys)

    for tenant in found["tenants"]:
        for line in tenant["proof"]:
            rows = [row for row in tenant["channels"] if row["currency"] == line["currency"]]
            totals = {row["rule_name"]: row["revenue_cents"] for row in rows if row["channel_code"] is None}
            assert len(totals) == 3
            assert set(totals.values()) == {line["captured_cents"]}
            for rule, total in totals.items():
                parts = [r["revenue_cents"] for r in rows if r["rule_name"] == rule and r["channel_code"]]
                assert sum(parts) == total and len(parts) > 1


def test_the_deferred_tenant_waits_for_the_queue(db: Database, capsys: pytest.CaptureFixture[str]) -> None:
    _, found = play(db, capsys)
    vendor = found["tenants"][1]

    assert vendor["mode"] == "deferred" and vendor["queued_before_drain"] > 0
    with db.connect(row_factory=dict_row) as conn:
        health = conn.execute(
            "SELECT queue_depth, pending, failed, dead FROM attribution.pipeline_health WHERE tenant_id = %s",
            [vendor["tenant_id"]],
        ).fetchall()
    assert health == [{"queue_depth": 0, "pending": 0, "failed": 0, "dead": 0}]


def test_the_story_adds_up_and_was_restated(db: Database, capsys: pytest.CaptureFixture[str]) -> None:
    _, found = play(db, capsys)
    story = found["tenants"][0]["story"]

    assert sum(share["allocated_revenue_cents"] for share in story["shares"]) == story["revenue_cents"]
    assert [share["position"] for share in story["shares"]] == [*range(1, story["touches"] + 1)]
    assert all(share["reason"] for share in story["shares"])
    assert sum(posting["amount_cents"] for posting in story["postings"]) == story["revenue_cents"]
    assert [posting["kind"] for posting in story["postings"]][:2] == ["attribution", "restatement"]


@pytest.mark.servers("one")
def test_the_text_says_it_all(db: Database, capsys: pytest.CaptureFixture[str]) -> None:
    assert demo.run(db.url, json_output=False, players=[SHOP, VENDOR]) == 0
    text = capsys.readouterr().out

    for part in ("Verdicts", "PII_DETECTED", "revenue by channel and model, GBP", "facebook_paid", "exact"):
        assert part in text
    assert "The story of order-shop-" in text and "verify() finds nothing" in text
    assert "NOT EXACT" not in text


@pytest.mark.servers("one")
def test_the_printed_way_in_works(db: Database, capsys: pytest.CaptureFixture[str]) -> None:
    _, found = play(db, capsys, SHOP)
    [tenant] = found["tenants"]

    with psycopg.connect(tenant["connect"]) as conn:
        conn.execute("SELECT attribution.set_tenant(%s)", [tenant["tenant_id"]])
        rows = conn.execute("SELECT * FROM attribution.channel_performance LIMIT 10").fetchall()
        who = conn.execute("SELECT session_user").fetchone()
    assert len(rows) == 10
    assert who == (SHOP.role,)


def test_a_tampered_ledger_line_fails_the_demo(db: Database, capsys: pytest.CaptureFixture[str]) -> None:
    play(db, capsys, SHOP)
    with db.connect(autocommit=True) as conn:
        guards = conn.execute(
            "SELECT tgname FROM pg_trigger WHERE tgrelid = 'attribution.revenue_ledger'::regclass"
            " AND NOT tgisinternal"
        ).fetchall()
        toggle = "ALTER TABLE attribution.revenue_ledger {} TRIGGER {}"
        for (guard,) in guards:
            conn.execute(sql.SQL(toggle).format(sql.SQL("DISABLE"), sql.Identifier(guard)))
        conn.execute(
            "UPDATE attribution.revenue_ledger"
            " SET amount_cents = amount_cents + 1, amount_usd_cents = amount_usd_cents + 1"
            " WHERE id = (SELECT id FROM attribution.revenue_ledger ORDER BY id LIMIT 1)"
        )
        for (guard,) in guards:
            conn.execute(sql.SQL(toggle).format(sql.SQL("ENABLE ALWAYS"), sql.Identifier(guard)))
    code, found = play(db, capsys, SHOP)

    assert (code, found["clean"]) == (1, False)
    assert found["breaches"], "attribution.verify() names the breach"
    [line] = found["tenants"][0]["proof"]
    net = line["captured_cents"] - line["refunded_cents"]
    assert (line["is_exact"], line["ledger_cents"]) == (False, net + 1)


@pytest.mark.servers("one")
def test_a_row_that_vanishes_fails_the_demo(db: Database, capsys: pytest.CaptureFixture[str]) -> None:
    """The proof that nothing is lost looks for every key: a row swallowed on its way is found."""
    victim = next(
        delivery.event
        for delivery in SHOP.script()
        if delivery.verdict == "accepted" and delivery.event.channel == "tiktok_paid"
    )
    with db.connect(autocommit=True) as conn:
        conn.execute(
            "CREATE FUNCTION public.swallow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'"
        )
        conn.execute(
            sql.SQL(
                "CREATE TRIGGER zz_swallow BEFORE INSERT ON attribution.attribution_events FOR EACH ROW"
                " WHEN (NEW.external_event_id = {}) EXECUTE FUNCTION public.swallow()"
            ).format(sql.Literal(victim.external_event_id))
        )
    code, found = play(db, capsys, SHOP)

    assert code == 1
    assert found["tenants"][0]["verdicts"]["lost"] == 1


@pytest.mark.servers("one")
def test_a_real_tenant_of_the_same_name_is_left_alone(
    db: Database, capsys: pytest.CaptureFixture[str], tenant: Callable[..., Any]
) -> None:
    real = tenant(SHOP.name)
    code, found = play(db, capsys, SHOP)

    assert code == 0
    assert found["tenants"][0]["tenant_id"] != real.id
    with db.connect() as conn:
        count = "SELECT count(*) FROM attribution.attribution_events WHERE tenant_id = %s"
        assert conn.execute(count, [real.id]).fetchone() == (0,)


@pytest.fixture
def made_role(db: Database) -> Iterator[str]:
    """The name of a role that the test makes; dropped afterwards."""
    name = f"{db.name}_role"
    yield name
    with db.server.admin() as conn:
        conn.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(name)))


def create_role(db: Database, name: str, options: str) -> Sequence[Player]:
    with db.server.admin() as conn:
        conn.execute(sql.SQL("CREATE ROLE {} {}").format(sql.Identifier(name), sql.SQL(options)))
    return [Player(SHOP.name, name, SHOP.currency, SHOP.mode, SHOP.script)]


@pytest.mark.servers("one")
@pytest.mark.parametrize("rights", ["SUPERUSER", "LOGIN", "LOGIN BYPASSRLS IN ROLE attribution_app"])
def test_a_login_that_is_no_ordinary_app_is_refused(db: Database, made_role: str, rights: str) -> None:
    players = create_role(db, made_role, rights)

    with pytest.raises(CtlError, match="not an ordinary member of attribution_app"):
        demo.run(db.url, json_output=True, players=players)


@pytest.mark.servers("one")
def test_where_the_login_cannot_connect_the_session_is_given_up(
    db: Database, capsys: pytest.CaptureFixture[str], made_role: str
) -> None:
    """As on a server that asks for passwords: the rows are sent as the role, never as the superuser."""
    players = create_role(db, made_role, "NOLOGIN IN ROLE attribution_app")
    code, found = play(db, capsys, *players)

    assert code == 0
    assert found["tenants"][0]["verdicts"]["lost"] == 0
