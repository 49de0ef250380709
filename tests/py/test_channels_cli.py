"""ctl channels: mistakes with their lines, what is everyone's and what a tenant's, why something matches."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
from ctl import ROOT, Ctl, assert_error, create, runner, sell
from servers import Database

from controlplane import yamlfile

one_server = pytest.mark.servers("one")
CHANNELS = str(ROOT / "examples/channels.yaml")

MISTAKES = """\
channels:
  unattributed: {family: none, is_paid: false, name: Nothing}
  Pod Casts: {family: audio, is_paid: true, name: Podcasts}
  podcast: {family: audio, is_paid: 1, name: Podcasts, colour: red}
  radio: {family: audio, is_active: false, is_paid: true}
aliases:
  label:
    pod: podcasts
    Google  ADS: email
    google ads: email
    loop: loop
    rest: unattributed
    waves: radio
    list: [email]
  utm:
    google: email
  click_id:
    " ": email
  fingerprint: {x: email}
colours: {}
"""
MESSAGES = [
    (2, "channel code unattributed is reserved"),
    (3, "'Pod Casts' is not a channel code"),
    (4, "unknown key colour"),
    (4, "is_paid is not true or false"),
    (5, "name is missing"),
    (8, "there is no channel 'podcasts'"),
    (10, "label 'google ads' is in the file twice"),
    (11, "loop is an alias itself"),
    (12, "channel code unattributed is reserved"),
    (13, "channel radio is retired"),
    (14, "there is no channel ['email']"),
    (16, "'google' is not source/medium"),
    (18, "an alias has 1 to 512 bytes"),
    (19, "unknown kind of alias fingerprint"),
    (20, "unknown key colours"),
]


@pytest.fixture
def ctl(monkeypatch: pytest.MonkeyPatch) -> Ctl:
    return runner(monkeypatch)


def write(directory: Path, text: str) -> str:
    path = directory / "channels.yaml"
    path.write_text(text)
    return str(path)


def answer(ctl: Ctl, db: Database, words: str, *more: str, code: int = 0) -> Any:
    result = ctl(words, db.url, *more, "--json")
    assert result.exit_code == code, result.output
    return json.loads(result.stdout)


def meaning(ctl: Ctl, db: Database, text: str, *more: str) -> tuple[str | None, str]:
    result = ctl("channels test", db.url, text, *more, "--json")
    found = json.loads(result.stdout)
    assert result.exit_code == (0 if found["code"] else 1)
    return found["code"], found["why"]


def test_every_mistake_with_its_line(ctl: Ctl, db: Database, tmp_path: Path) -> None:
    before = answer(ctl, db, "channels list")
    found = answer(ctl, db, "channels apply", write(tmp_path, MISTAKES), code=1)["error"]["problems"]
    assert [(problem["line"], problem["message"]) for problem in found] == MESSAGES
    assert answer(ctl, db, "channels list") == before


@one_server
@pytest.mark.parametrize("text", ["- x", "channels: x\naliases: y", "aliases: {label: x}", "x: &a {y: *a}"])
def test_files_that_are_none(ctl: Ctl, db: Database, tmp_path: Path, text: str) -> None:
    assert_error(ctl("channels apply", db.url, write(tmp_path, text)), 1, "line 1: ")


def test_the_shipped_mapping(ctl: Ctl, db: Database) -> None:
    planned = answer(ctl, db, "channels apply --dry-run", CHANNELS)["entries"]
    assert {row["value"] for row in planned if row["change"] != "created"} == {"organic search"}  # built in
    assert meaning(ctl, db, "?msclkid=1")[0] is None
    assert answer(ctl, db, "channels apply", CHANNELS)["entries"] == planned
    assert {row["change"] for row in answer(ctl, db, "channels apply", CHANNELS)["entries"]} == {"unchanged"}
    assert ctl("channels apply", db.url, CHANNELS).stdout == f"0 changed, {len(planned)} as before\n"
    expected = (ROOT / "examples/channels.expected.txt").read_text().splitlines()
    assert len(expected) > 30
    for line in expected:
        text, code = line.split(" → ")
        assert (text, meaning(ctl, db, text)[0] or "no channel") == (text, code)
    shown = ctl("channels list", db.url).stdout
    assert "microsoft_search_paid" in shown
    assert "*/display" in shown


def test_why(ctl: Ctl, db: Database) -> None:
    assert meaning(ctl, db, "Email") == ("email", "the label is a channel code")
    assert meaning(ctl, db, " GOOGLE  ads") == ("google_search_paid", "label google ads: everyone's alias")
    assert meaning(ctl, db, "google") == (
        None,
        "neither a channel code nor an alias of one; retired codes do not count",
    )
    url = "https://shop.example/p?utm_source=Google&utm_medium=CPC"
    assert meaning(ctl, db, url) == (
        "google_search_paid",
        "utm_source/utm_medium google/cpc: everyone's alias",
    )
    assert meaning(ctl, db, url + "&fbclid=x") == ("facebook_paid", "click id fbclid: everyone's alias")
    assert meaning(ctl, db, "?utm_medium=email")[0] == "email"
    assert meaning(ctl, db, "https://shop.example/?gclid=") == (
        None,
        "no click id that is an alias, and neither utm_source nor utm_medium",
    )
    assert meaning(ctl, db, "?utm_source=a&utm_medium=b")[1].endswith("none for utm a/b, a/* or */b")
    assert meaning(ctl, db, "http://[")[0] is None
    assert ctl("channels test", db.url, "nothing").stdout.startswith("no channel: neither a channel code")


def test_a_tenants_alias_is_its_own_and_wins(ctl: Ctl, db: Database, tmp_path: Path) -> None:
    one, other = (create(ctl, db.url, name)["tenant_id"] for name in ("One", "Other"))
    file = write(tmp_path, "aliases:\n  label: {google ads: partner}\n  click_id: {gclid: partner}\n")
    assert ctl(f"channels apply --tenant {one}", db.url, file).exit_code == 0
    assert meaning(ctl, db, "google ads", "--tenant", one) == (
        "partner",
        "label google ads: the tenant's own alias",
    )
    assert meaning(ctl, db, "?gclid=1", "--tenant", one)[0] == "partner"
    for more in (("--tenant", other), ()):
        assert meaning(ctl, db, "google ads", *more)[0] == "google_search_paid"
    own = [row for row in answer(ctl, db, f"channels list --tenant {one}")["aliases"] if row["is_own"]]
    assert [row["match_value"] for row in own] == ["gclid", "google ads"]
    assert not any(row["is_own"] for row in answer(ctl, db, "channels list")["aliases"])
    removed = write(tmp_path, "aliases:\n  label: {google ads: ~, never: ~}\n")
    done = answer(ctl, db, f"channels apply --tenant {one}", removed)["entries"]
    assert [row["change"] for row in done] == ["removed", "absent"]
    assert meaning(ctl, db, "google ads", "--tenant", one)[0] == "google_search_paid"


@one_server
def test_channels_are_everyones(
    ctl: Ctl, db: Database, tmp_path: Path, login: Callable[..., psycopg.Connection[Any]]
) -> None:
    tenant = create(ctl, db.url)["tenant_id"]
    file = write(tmp_path, "channels:\n  radio: {family: audio, is_paid: true, name: Radio}\n")
    refused = ctl(f"channels apply --tenant {tenant}", db.url, file)
    assert_error(refused, 1, "line 1: $.channels: channels are everyone's")
    admin = login("attribution_admin")
    url = db.server.url(db.name, user=admin.info.user, password=admin.info.password)
    assert ctl("channels apply", url, file).stdout == "created: channel radio\n1 changed, 0 as before\n"
    with db.connect() as connection:
        connection.execute("SELECT attribution.bind_login(%s, %s)", [admin.info.user, tenant])
    aliases = write(tmp_path, "aliases: {label: {pod: radio}}\n")
    assert_error(ctl("channels apply", url, aliases), 1, "(RA009)")
    assert ctl(f"channels apply --tenant {tenant}", url, aliases).exit_code == 0


def test_a_retired_channel_keeps_its_history(ctl: Ctl, db: Database, tmp_path: Path) -> None:
    tenant = create(ctl, db.url)["tenant_id"]
    sell(db, tenant, 10001)
    file = "channels:\n  email: {family: owned, is_paid: false, name: E-mail, is_active: false}\n"
    assert ctl("channels apply", db.url, write(tmp_path, file)).exit_code == 0
    assert meaning(ctl, db, "email")[0] is None
    assert meaning(ctl, db, "newsletter")[0] is None
    rebuilt = answer(ctl, db, f"rebuild --tenant {tenant}")
    assert (rebuilt[0]["conversions"], rebuilt[0]["changed"]) == (1, 0)
    with db.connect() as connection:
        connection.execute("SELECT attribution.set_tenant(%s)", [tenant])
        query = "SELECT sum(amount_cents)::int FROM attribution.revenue_ledger WHERE channel_code = 'email'"
        assert connection.execute(query).fetchone() == (5000,)
        insert = """
            INSERT INTO attribution.attribution_events (event_type, session_id, idempotency_key, channel)
            VALUES ('click', gen_random_uuid(), 'late', 'email')
            """
        connection.execute(insert)
        dead = connection.execute("SELECT error_code FROM attribution.dead_events").fetchall()
        assert dead == [("UNKNOWN_CHANNEL",)]
    assert ctl("verify", db.url).exit_code == 0


def test_the_shipped_mapping_has_no_key_twice() -> None:
    assert yamlfile.load(CHANNELS).problems == []
