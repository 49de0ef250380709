"""ctl rules: mistakes with their lines, a diff before any change, and history restated only when asked."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
from click.testing import CliRunner
from ctl import ROOT, Ctl, assert_error, create, runner, sell
from servers import Database

from controlplane import yamlfile
from controlplane.cli import main

one_server = pytest.mark.servers("one")
JOURNEY = str(ROOT / "examples/journey.json")
RULES = str(ROOT / "examples/rules.yaml")

TEN_MISTAKES = """\
rules:
  - name: a
    model_type: lineer
  - name: b
    model_type: linear
    config:
      lookback: soon
      half_life: 3 days
    prioritty: 3
  - name: b
    model_type: position_based
    config: {first: 0.8, last: 0.7}
    is_book: true
  - name: d
    model_type: linear
    is_book: true
    constraint_mode: cap_at_100
  - model_type: linear
    priority: high
    applies_to:
      event_types: purchase
"""
TEN_MESSAGES = [
    (3, "$.rules[0].model_type", "model_type 'lineer' is not known"),
    (7, "$.rules[1].config.lookback", "lookback 'soon' is not a length of time up to 100 years"),
    (8, "$.rules[1].config.half_life", "half_life is not an option of linear"),
    (9, "$.rules[1].prioritty", "unknown key prioritty"),
    (10, "$.rules[2].name", "rule b is in the file twice"),
    (12, "$.rules[2].config", "first and last together are more than 1"),
    (14, "$.rules[3].priority", "two book rules with priority 100"),
    (
        17,
        "$.rules[3].constraint_mode",
        "a book rule cannot be cap_at_100: what it posts must sum to the revenue",
    ),
    (18, "$.rules[4].name", "name is missing, padded with blanks or longer than 200 bytes"),
    (19, "$.rules[4].priority", "priority 'high' is not a whole number"),
    (21, "$.rules[4].applies_to.event_types", "event_types is not a list of texts"),
]


@pytest.fixture
def ctl(monkeypatch: pytest.MonkeyPatch) -> Ctl:
    return runner(monkeypatch)


@pytest.fixture
def shop(ctl: Ctl, db: Database) -> str:
    """The id of the tenant Acme Shop, with one sale of 100.01 EUR: google_search_paid, then email."""
    tenant = create(ctl, db.url)["tenant_id"]
    sell(db, tenant, 10001)
    return str(tenant)


def write(directory: Path, text: str) -> str:
    path = directory / "rules.yaml"
    path.write_text(text)
    return str(path)


def answer(ctl: Ctl, db: Database, words: str, *more: str, code: int = 0) -> Any:
    result = ctl(words, db.url, *more, "--json")
    assert result.exit_code == code, result.output
    return json.loads(result.stdout)


def book_totals(db: Database, tenant: str) -> dict[str, int]:
    with db.connect() as connection:
        connection.execute("SELECT attribution.set_tenant(%s)", [tenant])
        query = """
            SELECT channel_code, sum(amount_cents)::int FROM attribution.revenue_ledger WHERE tenant_id = %s
            GROUP BY channel_code HAVING sum(amount_cents) <> 0
            """
        return dict(connection.execute(query, [tenant]).fetchall())


# Validate


def test_every_mistake_with_its_line(ctl: Ctl, db: Database, tmp_path: Path) -> None:
    file = write(tmp_path, TEN_MISTAKES)
    found = answer(ctl, db, "rules validate", file, code=1)["error"]["problems"]
    assert [(p["line"], p["path"], p["message"]) for p in found] == TEN_MESSAGES
    lines = ctl("rules validate", db.url, file).stderr.splitlines()
    assert lines[0] == f"Error: {file}: 11 mistakes"
    assert [int(re.findall(r"line (\d+): ", line)[0]) for line in lines[1:]] == [m[0] for m in TEN_MESSAGES]


@one_server
def test_json_has_the_same_messages(ctl: Ctl, db: Database, tmp_path: Path) -> None:
    value = yamlfile.parse(TEN_MISTAKES.encode(), "rules").value
    file = write(tmp_path, json.dumps(value, indent=1))
    found = answer(ctl, db, "rules validate", file, code=1)["error"]["problems"]
    assert [(p["path"], p["message"]) for p in found] == [message[1:] for message in TEN_MESSAGES]
    assert [p["line"] for p in found] == sorted(p["line"] for p in found)


@one_server
def test_standard_input(db: Database) -> None:
    environment = {"DATABASE_URL": db.url}
    result = CliRunner(env=environment).invoke(main, ["rules", "validate", "-"], input=TEN_MISTAKES)
    assert_error(result, 1, "Error: standard input: 11 mistakes")


@one_server
def test_a_valid_file(ctl: Ctl, db: Database) -> None:
    names = ["position_based_30d", "big_orders", "first_touch", "partner_influence"]
    assert answer(ctl, db, "rules validate", RULES) == {"valid": True, "rules": names, "warnings": []}
    assert ctl("rules validate", db.url, RULES).stdout == f"{RULES}: 4 rules, no mistakes\n"


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("- &a {name: *a, model_type: linear}", 1, "an alias that contains itself"),
        ("- name: x\n  name: y\n  model_type: linear", 2, "name is given twice"),
        ("- name: x\n   model_type: linear", 2, "mapping values are not allowed here"),
        ("- !!python/object/apply:os.system [id]", 1, "tag tag:yaml.org,2002:python/object/apply:os.system"),
        ('- name: "a\\0b"\n  model_type: linear', 1, "the text holds a NUL character"),
        ("- name: x\n  model_type: linear\n  config: {first: .nan}", 3, ".nan is not a number"),
        ("", 1, "the file is empty"),
        ("name: x", 1, "unknown key name"),
        ("rules:\n  x: y", 1, "no list of rules"),
        ("- 1", 1, "the rule is not an object"),
        ("- name: 7\n  model_type: linear", 1, "name is not a text"),
        ("- name: '" + "x" * 201 + "'\n  model_type: linear", 1, "longer than 200 bytes"),
        ("[" * 3000, 1, "nested too deeply"),
    ],
)  # fmt: skip
@one_server
def test_files_that_are_none(
    ctl: Ctl, db: Database, tmp_path: Path, text: str, line: int, message: str
) -> None:
    found = answer(ctl, db, "rules validate", write(tmp_path, text), code=1)["error"]["problems"]
    assert [p["line"] for p in found if message in p["message"]] == [line]


def test_a_missing_file(ctl: Ctl) -> None:
    assert_error(ctl("rules validate nowhere.yaml"), 2, "Usage: ctl", "does not exist")


# Clashes and warnings


@one_server
def test_a_book_rule_may_not_clash_with_one_of_the_tenant(
    ctl: Ctl, db: Database, shop: str, tmp_path: Path
) -> None:
    file = write(tmp_path, "- name: second\n  model_type: linear\n  is_book: true\n")
    assert ctl("rules validate", db.url, file).exit_code == 0
    for words in ("rules validate", "rules diff", "rules apply"):
        result = ctl(f"{words} --tenant {shop}", db.url, file)
        assert_error(
            result, 1, "line 1: $[0].priority: two book rules with priority 100", "position_based_30d"
        )


@one_server
def test_warnings(ctl: Ctl, db: Database, shop: str, tmp_path: Path) -> None:
    file = write(
        tmp_path,
        "- name: idle\n  model_type: linear\n  applies_to:\n    currencies: [USD]\n"
        "- {name: late, model_type: linear, is_book: true, priority: 200}\n",
    )
    result = ctl(f"rules validate --tenant {shop}", db.url, file)
    assert result.exit_code == 0
    assert result.stderr.splitlines() == [
        "warning: line 3: idle: applies to none of the 1 conversions of the last 30 days (check applies_to)",
        "warning: line 5: late: is never the book: rule position_based_30d applies to everything"
        " and comes first (give it a lower priority number)",
    ]


# Diff and apply


def test_diff_shows_changes_and_movements_and_stores_nothing(
    ctl: Ctl, db: Database, shop: str, tmp_path: Path
) -> None:
    file = write(
        tmp_path,
        "- {name: position_based_30d, model_type: last_touch, is_book: true}\n"
        "- {name: linear, model_type: linear}\n",
    )
    before = answer(ctl, db, "rules list --all --tenant", shop)
    shown = answer(ctl, db, f"rules diff --tenant {shop}", file)
    by_name = {change["name"]: change for change in shown["changes"]}
    assert by_name["position_based_30d"]["change"] == "updated"
    assert by_name["position_based_30d"]["fields"]["model_type"] == ["position_based", "last_touch"]
    assert shown["untouched"] == ["last_touch"]
    assert [
        (row["channel_code"], int(row["current_cents"]), int(row["simulated_cents"]))
        for row in shown["movements"]["position_based_30d"]
    ] == [("email", 5000, 10001), ("google_search_paid", 5001, 0)]
    text = ctl(f"rules diff --tenant {shop}", db.url, file).stdout
    assert "~ position_based_30d: updated (last_touch, book)" in text
    assert "model_type: position_based → last_touch" in text
    assert re.search(r"email +EUR +50\.00 +100\.01 +\+50\.01", text)
    assert answer(ctl, db, "rules list --all --tenant", shop) == before
    assert ctl(f"rules apply --dry-run --tenant {shop}", db.url, file).stdout == text
    assert answer(ctl, db, "rules list --all --tenant", shop) == before


def test_apply_leaves_history_unless_asked(ctl: Ctl, db: Database, shop: str, tmp_path: Path) -> None:
    file = write(tmp_path, "- {name: position_based_30d, model_type: last_touch, is_book: true}\n")
    history = {"google_search_paid": 5001, "email": 5000}
    applied = ctl(f"rules apply --tenant {shop}", db.url, file)
    assert applied.exit_code == 0, applied.output
    assert "updated: position_based_30d, version 2\n" in applied.stdout
    assert "history is as it was: --restate-from DATE recomputes it" in applied.stdout
    assert book_totals(db, shop) == history
    again = answer(ctl, db, f"rules apply --tenant {shop}", file)
    assert [(row["change"], row["version"]) for row in again["applied"]] == [("unchanged", 2)]
    late = answer(ctl, db, f"rules apply --restate-from 2999-01-01 --tenant {shop}", file)
    assert late["restated"] == {"days": 0, "conversions": 0, "changed": 0}
    assert book_totals(db, shop) == history
    restated = answer(ctl, db, f"rules apply --restate-from 0001-01-01 --tenant {shop}", file)
    assert restated["restated"] == {"days": 1, "conversions": 1, "changed": 1}
    assert book_totals(db, shop) == {"email": 10001}
    assert ctl("verify", db.url).exit_code == 0


def test_restating_begins_on_the_day_named_in_the_tenants_zone(
    ctl: Ctl, db: Database, tmp_path: Path
) -> None:
    made = ctl("tenant create Kiritimati --email a@b.example --time-zone Pacific/Kiritimati --json", db.url)
    tenant = json.loads(made.stdout)["tenant_id"]
    insert = """
        INSERT INTO attribution.attribution_events (event_type, session_id, occurred_at, idempotency_key,
            conversion_value_cents, currency, transaction_id)
        SELECT 'purchase', gen_random_uuid(), t, 'sale ' || t, 100, 'USD', 'sale ' || t
        FROM unnest(%s::timestamptz[]) AS t
        """
    with db.connect() as connection:  # 1 March begins there at 10:00 of 28 February in UTC
        connection.execute("SELECT attribution.set_tenant(%s)", [tenant])
        connection.execute(
            insert, [["2026-02-28 09:59:59.999999Z", "2026-02-28 10:00Z", "2026-03-02 10:00Z"]]
        )
    file = write(tmp_path, "- {name: linear, model_type: last_touch}\n")
    done = answer(ctl, db, f"rules apply --restate-from 2026-03-01 --tenant {tenant}", file)
    assert done["restated"] == {"days": 2, "conversions": 2, "changed": 2}


@one_server
def test_apply_is_all_or_none(ctl: Ctl, db: Database, shop: str, tmp_path: Path) -> None:
    with db.connect() as connection:  # the server refuses the second rule, for whatever reason
        connection.execute(
            """
            CREATE FUNCTION attribution.refuse() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN IF NEW.name = 'two' THEN RAISE EXCEPTION 'refused'; END IF; RETURN NEW; END $$;
            CREATE TRIGGER refuse BEFORE INSERT ON attribution.attribution_rules
            FOR EACH ROW EXECUTE FUNCTION attribution.refuse()
            """
        )
    before = answer(ctl, db, "rules list --all --tenant", shop)
    file = write(tmp_path, "- {name: linear, model_type: last_touch}\n- {name: two, model_type: linear}\n")
    assert ctl(f"rules apply --tenant {shop}", db.url, file).exit_code == 1
    assert answer(ctl, db, "rules list --all --tenant", shop) == before


def test_book_rules_may_swap_their_priorities(ctl: Ctl, db: Database, shop: str, tmp_path: Path) -> None:
    rules = (
        "- {{name: position_based_30d, model_type: linear, is_book: true, priority: {}}}\n"
        "- {{name: second, model_type: first_touch, is_book: true, priority: {}}}\n"
    )
    for priorities in ((1, 2), (2, 1)):
        result = ctl(f"rules apply --tenant {shop}", db.url, write(tmp_path, rules.format(*priorities)))
        assert result.exit_code == 0, result.output
    live = {row["name"]: row for row in answer(ctl, db, "rules list --tenant", shop)}
    assert (live["position_based_30d"]["priority"], live["second"]["priority"]) == (2, 1)


def test_drafts_activation_and_retirement(ctl: Ctl, db: Database, shop: str, tmp_path: Path) -> None:
    def versions() -> list[tuple[int, str]]:
        found = answer(ctl, db, "rules list --all --tenant", shop)
        return [(row["version"], row["status"]) for row in found if row["name"] == "linear"]

    file = write(tmp_path, "- {name: linear, model_type: linear, config: {lookback: 5 days}}\n")
    assert ctl(f"rules apply --draft --tenant {shop}", db.url, file).exit_code == 0
    assert versions() == [(1, "active"), (2, "draft")]
    assert answer(ctl, db, f"rules retire linear --tenant {shop}") == {
        "name": "linear", "version": 1, "status": "retired",
    }  # fmt: skip
    assert versions() == [(1, "retired"), (2, "draft")]
    assert ctl(f"rules activate linear --tenant {shop}", db.url).stdout == "linear, version 2: active\n"
    assert ctl(f"rules activate linear --version 1 --tenant {shop}", db.url).exit_code == 0
    assert versions() == [(1, "active"), (2, "retired")]
    assert_error(ctl(f"rules activate nothing --tenant {shop}", db.url), 1, "no rule 'nothing' (RA004)")
    assert_error(ctl(f"rules apply --draft --restate-from 2026-01-01 --tenant {shop}", db.url, file), 2)


@one_server
@pytest.mark.parametrize("bound", [False, True])
def test_an_admin_needs_no_superuser(
    ctl: Ctl, db: Database, shop: str, bound: bool, login: Callable[..., psycopg.Connection[Any]]
) -> None:
    admin = login("attribution_admin")
    if bound:
        with db.connect() as connection:
            connection.execute("SELECT attribution.bind_login(%s, %s)", [admin.info.user, shop])
    url = db.server.url(db.name, user=admin.info.user, password=admin.info.password)
    for words in ("rules validate", "rules diff", "rules apply --restate-from 2026-01-01"):
        result = ctl(f"{words} --tenant", url, shop, RULES)
        assert result.exit_code == 0, result.output
    assert "4 rules, no mistakes" in ctl("rules validate", url, RULES).stdout
    for words in ("rules list", "channels list", "channels test email", "explain order-1", "verify"):
        result = ctl(f"{words} --tenant", url, shop)
        assert result.exit_code == 0, result.output
    stranger = create(ctl, db.url, "Stranger")["tenant_id"]
    result = ctl("rules apply --tenant", url, stranger, RULES)
    assert result.exit_code == (1 if bound else 0)
    assert ("RA009" in result.stderr) == bound


@one_server
def test_list_shows_book_and_shadows(ctl: Ctl, db: Database, shop: str) -> None:
    lines = ctl(f"rules list --tenant {shop}", db.url).stdout.splitlines()
    assert lines[0].strip() == "rules: 3"
    assert [bool(re.search(r"active +position_based +book", line)) for line in lines].count(True) == 1


# Preview, examples


def test_preview(ctl: Ctl, db: Database) -> None:
    config = '{"half_life": "7 days"}'
    words = ["rules preview --model time_decay --journey", JOURNEY, "--config", config]
    found = answer(ctl, db, *words)
    assert [(row["touch_id"], row["allocated_revenue_cents"]) for row in found] == [
        # 2^(-age / 7 days): 1/16, 1/4, 1/2 and 1 of 29/16
        ("ad", 345), ("video", 1379), ("newsletter", 2759), ("visit", 5517),
    ]  # fmt: skip
    assert "time_decay of 100.00 USD" in ctl(words[0], db.url, *words[1:]).stdout


@one_server
@pytest.mark.parametrize(
    ("model", "config", "message"),
    [("lineer", "{}", "model_type 'lineer' is not known"), ("linear", "{half_life: 1 day}", "not an option"),
     ("linear", "{", "line 1"), ("linear", "nowhere.yaml", "cannot read nowhere.yaml")],
)  # fmt: skip
def test_preview_of_nonsense(ctl: Ctl, db: Database, model: str, config: str, message: str) -> None:
    result = ctl(f"rules preview --model {model} --journey", db.url, JOURNEY, "--config", config)
    assert_error(result, 2 if "nowhere" in config else 1, message)


def plain(text: str) -> str:
    """Tables without the blanks at the ends of their lines."""
    return "".join(f"{line.rstrip()}\n" for line in text.splitlines())


def test_the_examples_run_as_written(ctl: Ctl, db: Database, shop: str) -> None:
    preview = ctl("rules preview --model position_based --journey", db.url, JOURNEY).stdout
    assert plain(preview) == (ROOT / "examples/journey.expected.txt").read_text()
    plan = ctl(f"rules diff --tenant {shop}", db.url, RULES).stdout
    assert plain(plan) == (ROOT / "examples/rules.expected.txt").read_text()
    assert ctl(f"rules apply --restate-from 2026-01-01 --tenant {shop}", db.url, RULES).exit_code == 0
    assert ctl("verify", db.url).exit_code == 0
