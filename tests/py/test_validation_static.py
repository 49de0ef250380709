"""Static reading: what a statement is suspected of depends on what the migration did before it."""

from dataclasses import replace
from pathlib import Path

import pytest
import shop
from shop import CATALOG, read, rules

from controlplane.validation import parse, sketch
from controlplane.validation.catalog import Catalog
from controlplane.validation.rules import RULES

ISOLATED = """
CREATE TABLE shop.carts (id bigint PRIMARY KEY, tenant_id bigint NOT NULL);
ALTER TABLE shop.carts ENABLE ROW LEVEL SECURITY;
ALTER TABLE shop.carts FORCE ROW LEVEL SECURITY;
CREATE POLICY p ON shop.carts USING (tenant_id = current_setting('app.tenant_id')::bigint);
"""
GUARD = "CREATE OR REPLACE TRIGGER append_only {} ON shop.ledger FOR EACH ROW EXECUTE FUNCTION shop.forbid();"
PROVEN = """
ALTER TABLE shop.orders ADD CONSTRAINT c CHECK ({}) NOT VALID;
COMMIT;
ALTER TABLE shop.orders VALIDATE CONSTRAINT c;
ALTER TABLE shop.orders ALTER COLUMN note SET NOT NULL;
"""


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        # a name along the search path is the same table
        ("SET search_path = shop; DROP TABLE orders;", ["DL001"]),
        ("SET search_path = shop; CREATE TEMP TABLE orders (id int); DROP TABLE orders;", []),
        ("CREATE TABLE IF NOT EXISTS shop.orders (id int); DROP TABLE shop.orders;", ["DL001"]),
        # renamed things are still the old ones
        ("ALTER TABLE shop.orders RENAME TO old; DROP TABLE shop.old;", ["CP001", "DL001"]),
        ("ALTER TABLE shop.orders RENAME note TO n; ALTER TABLE shop.orders DROP n;", ["CP001", "DL002"]),
        # calls
        ("SELECT shop.wipe();", ["DL007"]),
        ("INSERT INTO shop.countries (code) SELECT shop.wipe()::text;", ["DL007"]),
        ("DO $$ BEGIN IF true THEN PERFORM shop.wipe(); END IF; END $$;", ["DL007"]),
        ("CREATE OR REPLACE FUNCTION shop.wipe() RETURNS int LANGUAGE sql RETURN 1; SELECT shop.wipe();", []),
        # types
        ("ALTER TABLE shop.orders ALTER COLUMN cents TYPE int;", []),
        ("ALTER TABLE shop.orders ALTER COLUMN cents TYPE bigint;", ["LK001"]),
        ("ALTER TABLE shop.orders ALTER COLUMN price TYPE numeric(12,2);", []),
        ("ALTER TABLE shop.orders ALTER COLUMN price TYPE numeric(12,4);", ["LK001"]),
        ("ALTER TABLE shop.orders ALTER COLUMN code TYPE text;", []),
        ("ALTER TABLE shop.orders ALTER COLUMN code TYPE varchar(10);", ["DL009", "LK001"]),
        ("ALTER TABLE shop.orders ALTER COLUMN note TYPE jsonb USING note::jsonb;", ["CP002", "LK001"]),
        ("ALTER TABLE shop.orders ADD COLUMN v int GENERATED ALWAYS AS (cents * 2) VIRTUAL;", []),
        ("ALTER TABLE shop.orders ADD COLUMN v int DEFAULT shop.pick();", ["LK001"]),
        ("ALTER TABLE shop.orders ADD COLUMN v bigint DEFAULT shop.total(1);", []),
        # a proof for SET NOT NULL
        (PROVEN.format("note IS NOT NULL AND cents > 0"), []),
        (PROVEN.format("note IS NOT NULL OR cents > 0"), ["LK002"]),
        (PROVEN.format("note IS NOT NULL").replace("COMMIT;", ""), ["LK006"]),
        ("ALTER TABLE shop.orders ADD CONSTRAINT c NOT NULL note NOT VALID;", []),
        # keys swapped for an index that was built before
        ("ALTER TABLE shop.orders DROP CONSTRAINT \"shop.orders_pkey\";", ["CP009"]),
        # several tables in one transaction
        ("ALTER TABLE shop.orders ADD a int; ALTER TABLE shop.ledger ADD a int;", ["LK018 warn"]),
        ("ALTER TABLE shop.orders ADD a int; COMMIT; ALTER TABLE shop.ledger ADD a int;", []),
        # an enum value, used before and after COMMIT
        ("ALTER TYPE shop.status ADD VALUE 'lost'; SELECT 'lost'::shop.status;", ["CP004"]),
        ("ALTER TYPE shop.status ADD VALUE 'lost'; COMMIT; SELECT 'lost'::shop.status;", []),
        # isolation
        (ISOLATED, []),
        (ISOLATED.replace("FORCE", "NO FORCE"), ["SE002"]),
        (ISOLATED.replace("= current_setting('app.tenant_id')::bigint", "IS NOT NULL"), ["SE003"]),
        (ISOLATED + "DROP POLICY p ON shop.carts;", ["SE002"]),
        (ISOLATED + "CREATE POLICY q ON shop.carts TO shop_batch USING (true);", ["SE003 warn"]),
        ("CREATE POLICY q ON shop.orders TO shop_batch USING (true);", ["SE003"]),
        ("CREATE OR REPLACE VIEW shop.open_orders AS SELECT id FROM shop.orders;", ["SE012"]),
        ("CREATE VIEW shop.two AS SELECT id FROM shop.open_orders;", ["SE012"]),
        # guards made again
        (GUARD.format("BEFORE DELETE OR UPDATE"), ["LK017"]),
        (GUARD.format("BEFORE INSERT OR DELETE OR UPDATE"), ["LK017"]),
        (GUARD.format("BEFORE UPDATE"), ["LK017", "SE005"]),
        (GUARD.format("AFTER DELETE OR UPDATE"), ["LK017", "SE005"]),
        (GUARD.format("BEFORE DELETE OR UPDATE OF cents"), ["LK017", "SE005"]),
        (GUARD.format("BEFORE DELETE OR UPDATE").replace("ROW", "STATEMENT"), ["LK017", "SE005"]),
        (GUARD.format("BEFORE DELETE OR UPDATE").replace("ROW ", "ROW WHEN (false) "), ["LK017", "SE005"]),
        # functions
        ("CREATE OR REPLACE FUNCTION shop.total(p bigint) RETURNS int SECURITY DEFINER RETURN 1;", ["SE010"]),
        ("ALTER FUNCTION shop.total(bigint) RESET ALL;", ["SE010"]),
        ("GRANT EXECUTE ON FUNCTION shop.total(bigint) TO PUBLIC;", ["SE008"]),
    ],
)  # fmt: skip
def test_findings(sql: str, expected: list[str]) -> None:
    assert rules(sql) == expected


@pytest.mark.parametrize(
    ("where", "bounded"),
    [
        ("id = 1", True),
        ("1 = id", True),
        ("id = 1 AND note = 'x'", True),
        ("id = 1 OR id IN (2, 3)", True),
        ("id = ANY ('{1,2}')", True),
        ("id < 1000", True),
        ("id BETWEEN 1 AND 1000", True),
        ("ctid = '(0,1)'", True),
        ("id IN (SELECT id FROM shop.orders WHERE cents = 0 LIMIT 10)", True),
        ("id IN (VALUES (1), (2))", True),
        ("id = (SELECT 1)", True),
        ("false", True),
        ("true", False),
        ("id > 0", False),
        ("id <> 1", False),
        ("NOT id = 1", False),
        ("id = id", False),
        ("id = tenant_id", False),
        ("id = 1 OR note IS NULL", False),
        ("id IN (SELECT id FROM shop.ledger)", False),
        ("id = (SELECT max(id) FROM shop.ledger WHERE cents = orders.cents)", False),
        ("tenant_id = 1", False),
        ("note LIKE 'a%'", False),
        ("EXISTS (SELECT FROM shop.ledger)", False),
    ],
)
@pytest.mark.parametrize("statement", ["DELETE FROM shop.orders", "UPDATE shop.orders SET note = ''"])
def test_bounds(statement: str, where: str, bounded: bool) -> None:
    assert (rules(f"{statement} WHERE {where}") == []) is bounded


def test_a_composite_key_is_pinned_whole() -> None:
    key = {"k": replace(CATALOG.relations["shop.orders"].constraints["shop.orders_pkey"],
                        definition="PRIMARY KEY (tenant_id, id)")}  # fmt: skip
    catalog = Catalog(relations={"shop.orders": shop.table("shop.orders", constraints=key)}, known=True)
    assert rules("DELETE FROM shop.orders WHERE id = 1", catalog=catalog) == ["DL007"]
    assert rules("DELETE FROM shop.orders WHERE id = 1 AND tenant_id = 1", catalog=catalog) == []


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        ("", ["LK009"]),
        ("SET lock_timeout = '2s';", []),
        ("SET LOCAL lock_timeout = 2000;", []),
        ("SET LOCAL lock_timeout = '2s'; COMMIT;", ["LK009"]),
        ("SET lock_timeout = '2s'; RESET lock_timeout;", ["LK009"]),
        ("SET lock_timeout = 0;", ["LK010"]),
        ("SET lock_timeout TO '5min';", ["LK010"]),
        ("SELECT set_config('lock_timeout', '1s', true);", []),
        ("DO $$ BEGIN SET LOCAL lock_timeout = '1s'; END $$;", []),
    ],
)
def test_lock_timeout(before: str, expected: list[str]) -> None:
    assert rules(f"{before} ALTER TABLE shop.orders ADD COLUMN a int;", timeout=None) == expected


def test_what_the_upgrade_made_the_downgrade_may_drop() -> None:
    up = "ALTER TABLE shop.orders ADD COLUMN extra int; CREATE TABLE shop.countries2 (code text);"
    down = "DROP TABLE shop.countries2; ALTER TABLE shop.orders DROP COLUMN extra;"
    assert rules(up, down=down) == ["RV005 info"]
    assert rules("", down=down) == []
    assert rules(up, down="ALTER TABLE shop.orders DROP COLUMN note;") == ["DL002"]


def test_a_rename_and_its_way_back_are_one_finding() -> None:
    up, down = "ALTER TABLE shop.orders RENAME note TO n;", "ALTER TABLE shop.orders RENAME n TO note;"
    assert [(found.rule, found.direction) for found in read(up, down=down)] == [("CP001", "upgrade")]


def test_a_downgrade_that_narrows_back_is_a_warning() -> None:
    up = "ALTER TABLE shop.orders ALTER COLUMN price TYPE numeric(12,2);"
    down = "ALTER TABLE shop.orders ALTER COLUMN price TYPE numeric(10,2);"
    assert "DL009 warn" in rules(up, down=down)
    assert "DL009" in rules(down.replace("10", "8"))


def test_lines_lead_into_the_body() -> None:
    (found,) = read(
        "SELECT 1;\n\nDO $$\nBEGIN\n  PERFORM 1;\n  EXECUTE 'DROP TABLE ' ||\n    'shop.orders';\nEND $$;"
    )
    assert (found.rule, found.location.line) == ("DL001", 6)
    assert found.statement.startswith("DO $$")


def test_a_name_that_is_only_known_at_run_time() -> None:
    loop = "DO $$ DECLARE t text; BEGIN FOR t IN SELECT 'x' LOOP EXECUTE format({}, t); END LOOP; END $$"
    (found,) = read(loop.format("'TRUNCATE shop.%I'"))
    assert (found.rule, found.object) == ("DL006", f"shop.{parse.UNKNOWN}")
    assert rules(loop.format("t")) == ["HY006 warn"]
    assert rules(loop.format("'COMMENT ON TABLE shop.%I IS NULL'")) == []


def test_without_a_catalogue_nothing_is_taken_for_harmless() -> None:
    nothing = Catalog()
    assert rules("DROP TABLE IF EXISTS a.b", catalog=nothing) == ["DL001"]
    assert rules("CREATE TABLE a.b (id int); DROP TABLE a.b", catalog=nothing) == []
    assert rules("CREATE INDEX ON a.b (c)", catalog=nothing) == ["LK003"]
    assert rules("DELETE FROM a.b WHERE id = 1", catalog=nothing) == []


def test_spanning_roles_may_see_every_tenant() -> None:
    catalog = replace(CATALOG, spanning_roles=frozenset({"shop_batch"}))
    policy = "CREATE POLICY q ON shop.orders TO shop_batch USING (true);"
    assert rules(policy, catalog=catalog) == []
    assert rules(policy.replace("TO shop_batch", "TO shop_batch, shop_app"), catalog=catalog) == ["SE003"]


@pytest.mark.parametrize("rule", [rule for rule in RULES if not rule.startswith(("RV", "WV", "HY"))])
def test_the_safe_way_is_not_what_the_rule_finds(rule: str) -> None:
    """Each recipe, read as it stands: one statement after another, outside a transaction."""
    found = read(RULES[rule].safe, alone=True)
    assert rule not in {one.rule for one in found if one.severity == "error"} - TAUGHT.get(rule, set())


# Rules whose safe way is that very statement, later and with a waiver.
TAUGHT = {"DL004": {"DL004"}, "DL002": {"DL002"}, "LK017": {"LK017"}, "CP007": {"CP007"}}


CASES = Path(__file__).parents[1] / "migration_cases"
BASE = sketch.catalog((CASES / "given" / "base.sql").read_text())


def lines(name: str) -> list[str]:
    return (CASES / "lines" / name).read_text().splitlines()[1:]


@pytest.mark.parametrize("sql", lines("unsafe.sql"))
def test_a_line_that_must_be_refused(sql: str) -> None:
    assert [found for found in read(sql, catalog=BASE) if found.severity == "error"]


@pytest.mark.parametrize("sql", lines("safe.sql"))
def test_a_line_that_must_pass(sql: str) -> None:
    assert [found for found in read(sql, catalog=BASE) if found.severity == "error"] == []


@pytest.mark.parametrize("catalog", [BASE, CATALOG, Catalog()], ids=["base", "shop", "unknown"])
def test_nothing_makes_it_stumble(catalog: Catalog) -> None:
    for sql in lines("exotic.sql"):
        assert isinstance(read(sql, down=sql, catalog=catalog), list), sql
