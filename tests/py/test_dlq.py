"""ctl dlq: what was sent and is no event can be found, tried again when mended, and put aside."""

import json
from typing import Any

import engine
import pytest
from click.testing import Result
from ctl import Ctl, assert_error, create, runner
from engine import at, one, purchase, rows, send, touch
from servers import Database

one_server = pytest.mark.servers("one")
NOBODY = "00000000-0000-0000-0000-000000000000"


@pytest.fixture
def ctl(monkeypatch: pytest.MonkeyPatch) -> Ctl:
    return runner(monkeypatch)


@pytest.fixture
def shop(ctl: Ctl, db: Database) -> str:
    """A tenant with touches of an unmapped label, one with personal data, and a sale; and one beside it."""
    ids = [str(create(ctl, db.url, name)["tenant_id"]) for name in ("Other", "Acme Shop")]
    for tenant in ids:
        with db.connect(autocommit=True) as conn:
            engine.use(conn, tenant)
            send(conn, touch(1, at(), channel="TV"), touch(2, at(hours=1), channel="TV"))
            send(conn, touch(3, at(hours=2), raw_payload={"email": "ann@shop.example"}))
            send(conn, purchase(4, at(hours=3), 1000))
            bad = {"event_type": "click", "session_id": "bad", "idempotency_key": "json"}
            rows(conn, "SELECT attribution.ingest_event(%s)", engine.value(bad))
            conn.execute("SELECT set_config('app.current_tenant_id', '', false)")
    return ids[1]


def listed(result: Result) -> list[dict[str, Any]]:
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert isinstance(found, list)
    return found


def keys(ctl: Ctl, db: Database, *more: str) -> list[str]:
    return [
        row["idempotency_key"] for row in listed(ctl("dlq list --json --tenant", db.url, "Acme Shop", *more))
    ]


def map_tv(db: Database, tenant: str) -> None:
    with db.connect() as conn:
        conn.execute(
            "INSERT INTO attribution.channel_aliases (tenant_id, match_kind, match_value, channel_code)"
            " VALUES (%s, 'label', 'tv', 'referral')",
            [tenant],
        )


def test_list_and_its_filters(ctl: Ctl, db: Database, shop: str) -> None:
    assert keys(ctl, db) == ["touch-1", "touch-2", "touch-3", "json"]
    assert keys(ctl, db, "--code", "UNKNOWN_CHANNEL") == ["touch-1", "touch-2"]
    assert keys(ctl, db, "--source", "ingest") == ["json"]
    assert keys(ctl, db, "--limit", "1") == ["touch-1"]
    assert keys(ctl, db, "--older-than", "1 hour") == []
    assert keys(ctl, db, "--older-than", "0 seconds", "--status", "any") == keys(ctl, db)
    assert keys(ctl, db, "--status", "resolved") == []
    printed = ctl("dlq list --tenant", db.url, shop).stdout
    assert "dead events: 4" in printed
    assert "channel 'TV' is not known" in printed
    assert_error(ctl("dlq list --older-than soon --tenant", db.url, shop), 1, "invalid input syntax", "soon")
    assert_error(ctl("dlq list --tenant", db.url, "Nobody"), 1, "there is no tenant 'Nobody'")
    assert_error(ctl("dlq list", db.url), 2, "--tenant")


def test_show(ctl: Ctl, db: Database, shop: str) -> None:
    dead = listed(ctl("dlq list --json --code PII_DETECTED --tenant", db.url, shop))[0]
    printed = ctl("dlq show --tenant", db.url, shop, dead["id"]).stdout
    for words in ("PII_DETECTED: raw_payload holds personal data", "Hint: Leave it out", dead["id"],
                  "touch-3", '"email": "[masked]"'):  # fmt: skip
        assert words in printed
    assert "ann@shop" not in printed
    assert json.loads(ctl("dlq show --json --tenant", db.url, shop, dead["id"]).stdout) == dead
    for tenant, identifier in ((shop, NOBODY), ("Other", dead["id"])):
        assert_error(ctl("dlq show --tenant", db.url, tenant, identifier), 1, "the tenant has no dead event")
    assert_error(ctl("dlq show --tenant", db.url, shop, "seven"), 2, "is not a valid UUID")


def test_replay(ctl: Ctl, db: Database, shop: str) -> None:
    words = "dlq replay --json --code UNKNOWN_CHANNEL --tenant"
    still = ctl(words, db.url, shop)
    assert still.exit_code == 1
    assert {(v["status"], v["error_code"]) for v in json.loads(still.stdout)} == {
        ("pending", "UNKNOWN_CHANNEL")
    }
    map_tv(db, shop)
    first = listed(ctl("dlq list --json --limit 1 --tenant", db.url, shop))[0]["id"]
    assert [v["dead_event_id"] for v in listed(ctl("dlq replay --json --tenant", db.url, shop, first))] == [
        first
    ]
    assert ctl("dlq replay --code UNKNOWN_CHANNEL --tenant", db.url, shop).stdout.startswith(
        "replayed: 1, resolved: 1"
    )
    assert listed(ctl(words, db.url, shop)) == []
    with db.connect(autocommit=True) as conn:
        engine.drain(conn)
        query = "SELECT resolved_event_id::text FROM attribution.dead_events WHERE tenant_id = %s ORDER BY id"
        assert rows(conn, query, shop)[:2] == [(engine.uid(1),), (engine.uid(2),)]
        balance = [("sale-4", "referral", None, "USD", 1000)]
        assert engine.balances(conn, shop) == balance, "the sale is attributed anew"
        assert engine.breaches(conn) == []
    assert len(keys(ctl, db, "--status", "resolved")) == 2
    other = listed(ctl("dlq list --json --tenant", db.url, "Other"))
    assert {row["retry_count"] for row in other} == {0}, "nobody else's are touched"


def test_discard(ctl: Ctl, db: Database, shop: str) -> None:
    assert_error(ctl("dlq discard --tenant", db.url, shop), 2, "discarding needs --yes")
    dead = listed(ctl("dlq list --json --tenant", db.url, shop))
    one_of_them = ctl("dlq discard --yes --json --tenant", db.url, shop, dead[0]["id"])
    assert json.loads(one_of_them.stdout) == {"discarded": 1}
    assert (
        ctl("dlq discard --yes --source ingest --tenant", db.url, shop).stdout == "discarded 1 dead events\n"
    )
    assert keys(ctl, db) == ["touch-2", "touch-3"]
    assert keys(ctl, db, "--status", "discarded") == ["touch-1", "json"]
    assert ctl("dlq discard --yes --tenant", db.url, shop).stdout == "discarded 2 dead events\n"
    with db.connect() as conn:
        assert one(conn, "SELECT count(*) FROM attribution.dead_events WHERE tenant_id = %s", shop) == 4


@one_server
def test_discard_asks(ctl: Ctl, db: Database, shop: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("controlplane.commands.dlq.sys", type("Terminal", (), {"stdin": Terminal()}))
    assert ctl("dlq discard --tenant", db.url, shop).exit_code == 1
    assert len(keys(ctl, db)) == 4


class Terminal:
    """A terminal at which nobody answers."""

    def isatty(self) -> bool:
        return True
