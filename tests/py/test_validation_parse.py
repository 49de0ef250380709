"""Reading SQL: lines, constants that EXECUTE runs, fingerprints, and what hides inside a statement."""

import pytest

from controlplane.validation import parse
from controlplane.validation.guards import Refusal, refusal
from controlplane.validation.model import CapturedStatement, Location
from controlplane.validation.parse import Unparsable
from controlplane.validation.policies import isolates_text
from controlplane.validation.reading import UNREADABLE, Body, Read, Reader, body_of


def hidden(sql: str, *bodies: Body) -> list[tuple[int | None, str]]:
    """What a text runs besides its own statements: (line, kind), lines as in the text."""
    found = []
    known = list(bodies)
    for piece in parse.pieces(sql):
        if piece.kind == "create_function_stmt" and (body := body_of(piece.node, piece.sql, piece.line)):
            known.append(body)
        reader = Reader(lambda name: [body for body in known if body.name == name])
        statement = CapturedStatement(piece.sql, Location("f.sql", piece.line))
        found += [(read.line, read.kind) for read in reader.read(statement) if read.via]
    return found


def test_pieces_know_their_lines() -> None:
    text = "-- schön\nSELECT 1;;\n\n/* x */ SELECT\n 'é';\n  DROP TABLE t\n;"
    found = [(piece.line, piece.kind, piece.sql) for piece in parse.pieces(text)]
    assert found == [
        (2, "select_stmt", "SELECT 1"),
        (4, "select_stmt", "SELECT\n 'é'"),
        (6, "drop_stmt", "DROP TABLE t"),
    ]


def test_a_deep_expression() -> None:
    """protobuf refuses more than 100 levels unless told otherwise; a hash over 30 columns has them."""
    (piece,) = parse.pieces("CREATE TABLE t AS SELECT " + " || ".join(["'a'"] * 1_000))
    assert piece.kind == "create_table_as_stmt"


@pytest.mark.parametrize("sql", ["SELECT 1;\nSELEKT 2;", "SELECT 1;\n\\set x 1", "SELECT 1;\nDROP TABL t"])
def test_sql_that_does_not_parse(sql: str) -> None:
    with pytest.raises(Unparsable) as caught:
        parse.pieces(sql)
    assert (caught.value.line, "syntax error" in caught.value.message) == (2, True)


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ("'a' || 'b'", "ab"),
        ("'DROP TABLE ' || v_name", "DROP TABLE _dynamic_"),
        ("'DROP TABLE ' || v_known", "DROP TABLE t"),
        ("format('%I.%I %% %L', 'a', x, 'it''s')", "\"a\"._dynamic_ % 'it''s'"),
        ("format('%2$s %1$s', 'a', 'b')", "b a"),
        ("format('%s', 1)", "1"),
        ("concat('a', x, 'b')", "a_dynamic_b"),
        ("quote_ident('a') || quote_literal('b')", "\"a\"'b'"),
        ("'a'::text", "a"),
        ("x", None),
        ("upper(x)", None),
    ],
)
def test_constants(expression: str, text: str | None) -> None:
    assert parse.constant(parse.expression(expression), {"v_known": "t"}) == text


def test_fingerprints_know_constants_and_not_blanks() -> None:
    one = parse.fingerprint("DELETE FROM t WHERE id = 1")
    assert parse.fingerprint("delete  from T -- now\n where (id) = 1") == one
    assert parse.fingerprint("DELETE FROM t WHERE id = 2") != one
    assert parse.fingerprint("not sql") == parse.fingerprint("not   sql")
    assert len(one) == 16


def test_what_hides_in_a_block() -> None:
    assert hidden(
        """DO $$
        DECLARE
          v text := 'TRUNCATE a';
          r record;
        BEGIN
          IF EXISTS (SELECT FROM a) THEN
            DELETE FROM a;
          END IF;
          EXECUTE v;
          v := 'DROP TABLE a';
          EXECUTE v;
          FOR r IN EXECUTE 'SELECT 1' LOOP NULL; END LOOP;
        EXCEPTION WHEN OTHERS THEN
          UPDATE a SET b = 1;
        END $$"""
    ) == [
        (6, "select_stmt"),
        (7, "delete_stmt"),
        (9, "truncate_stmt"),
        (10, "select_stmt"),
        (11, "drop_stmt"),
        (12, "select_stmt"),
        (14, "update_stmt"),
    ]


FUNCTIONS = """CREATE FUNCTION a.plain(p int, OUT q int) LANGUAGE plpgsql AS $$
BEGIN
  q := 1;
  DELETE FROM t;
END $$;
CREATE FUNCTION a.rows() RETURNS SETOF int LANGUAGE plpgsql AS $$
BEGIN
  RETURN QUERY DELETE FROM t RETURNING 1;
END $$;
CREATE FUNCTION a.atomic() RETURNS int
BEGIN ATOMIC
  DELETE FROM t;
  SELECT 1;
END;
CREATE FUNCTION a.quoted() RETURNS int LANGUAGE sql AS 'DELETE FROM t; SELECT 1';
CREATE FUNCTION a.returning() RETURNS bool RETURN EXISTS (SELECT a.quoted());
CREATE PROCEDURE a.proc() LANGUAGE plpgsql AS 'BEGIN DELETE FROM t; COMMIT; END';
"""


@pytest.mark.parametrize(
    ("call", "line"),
    [
        ("SELECT a.plain(1)", 4),
        ("SELECT * FROM a.rows()", 8),
        ("INSERT INTO x SELECT a.atomic()", 12),
        ("UPDATE x SET y = a.quoted() WHERE id = 1", 15),
        ("CREATE TABLE x AS SELECT a.returning()", 15),
        ("CALL a.proc()", 17),
        ("DO $$ BEGIN PERFORM a.plain(1); END $$", 4),
    ],
)
def test_what_hides_in_a_function(call: str, line: int) -> None:
    assert hidden(FUNCTIONS) == []
    assert (line, "delete_stmt") in hidden(FUNCTIONS + call)


def test_functions_that_call_each_other() -> None:
    two = [
        Body(f"a.{name}", "sql", f"SELECT a.{other}(); DELETE FROM {name}")
        for name, other in (("x", "y"), ("y", "x"))
    ]
    assert [kind for _, kind in hidden("SELECT a.x()", *two)].count("delete_stmt") == 2


@pytest.mark.parametrize(
    "sql",
    [
        "WITH d AS (DELETE FROM t RETURNING 1) SELECT 1",
        "EXPLAIN ANALYZE DELETE FROM t",
        "PREPARE p AS DELETE FROM t",
        "CREATE TABLE x AS WITH d AS (DELETE FROM t RETURNING 1) TABLE d",
    ],
)
def test_what_hides_in_a_statement(sql: str) -> None:
    assert hidden(sql) == [(1, "delete_stmt")]


def test_what_can_not_be_read_is_said() -> None:
    reads: list[Read] = []
    for sql in (
        "DO $$ BEGIN EXECUTE x; END $$",
        "DO $$ nonsense $$",
        "DO LANGUAGE plpython3u 'x'",
        "nonsense",
    ):
        reads += Reader(lambda _: []).read(CapturedStatement(sql, Location("f.sql", 1)))
    assert [read.sql.split(",")[0].split(":")[0] for read in reads if read.kind == UNREADABLE] == [
        "EXECUTE x",
        "the body of a DO block",
        "a DO block in plpython3u",
        'syntax error at or near "nonsense"',
    ]


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ("BEGIN RAISE 'no'; END", Refusal.ALWAYS),
        ("BEGIN IF tg_op = 'DELETE' THEN RAISE 'no'; END IF; RETURN NEW; END", Refusal.SOMETIMES),
        ("BEGIN IF x THEN RETURN NEW; END IF; RAISE 'no'; END", Refusal.SOMETIMES),
        ("BEGIN RETURN NEW; RAISE 'no'; END", Refusal.NEVER),
        ("BEGIN RAISE WARNING 'no'; RETURN NEW; END", Refusal.NEVER),
        ("BEGIN RAISE 'no'; EXCEPTION WHEN OTHERS THEN RETURN NULL; END", Refusal.NEVER),
        ("BEGIN RAISE 'no'; EXCEPTION WHEN OTHERS THEN RAISE; END", Refusal.ALWAYS),
        ("BEGIN BEGIN RAISE 'no'; END; END", Refusal.ALWAYS),
        ("BEGIN NEW.x := 1; RETURN NEW; END", Refusal.NEVER),
        ("nonsense", None),
    ],
)
def test_how_firmly_a_guard_refuses(body: str, found: Refusal | None) -> None:
    assert refusal(body) is found


@pytest.mark.parametrize(
    ("expression", "held"),
    [
        ("tenant_id = current_setting('app.t')::bigint", True),
        ("(current_setting('app.t'))::bigint = t.tenant_id", True),
        ("tenant_id = nullif(current_setting('app.t', true), '')::bigint AND active", True),
        ("tenant_id IS NULL OR tenant_id = shop.tenant()", True),
        ("tenant_id = (SELECT shop.tenant())", True),
        ("tenant_id IN (SELECT m.tenant FROM members AS m WHERE m.login = current_user)", True),
        ("tenant_id = ANY (shop.tenants())", True),
        ("true", False),
        ("tenant_id IS NOT NULL", False),
        ("tenant_id = 1", False),
        ("tenant_id = tenant_id", False),
        ("tenant_id = coalesce(shop.tenant(), tenant_id)", False),
        ("tenant_id = shop.tenant() OR active", False),
        ("tenant_id = shop.tenant() OR current_user = 'boss'", False),
        ("NOT tenant_id = shop.tenant()", False),
        ("tenant_id <> shop.tenant()", False),
        ("CASE WHEN tenant_id = shop.tenant() THEN true ELSE true END", False),
        ("", False),
        ("nonsense here", False),
    ],
)
def test_which_policies_hold_a_row(expression: str, held: bool) -> None:
    assert isolates_text(expression, ["tenant_id"]) is held
