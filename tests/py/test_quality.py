"""The quality of the code itself: plpgsql_check, and the conventions of CONTRIBUTING.md."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import psycopg
import pytest
from conventions import LINES, sql_faults, throws_without_state
from psycopg.rows import dict_row
from servers import Database

from controlplane.objects import manifest

ROOT = Path(__file__).parents[2]
SQL = ROOT / "sql"
OBJECTS = sorted(SQL.rglob("*.sql"))
FILE = pytest.mark.parametrize("path", OBJECTS, ids=lambda path: path.relative_to(SQL).as_posix())

# A trigger function is checked against each table it is attached to, with its transition tables. A guess at
# the volatility of a function with dynamic SQL is left out: the check says itself that it can't know.
CHECK = """
SELECT p.oid::regprocedure AS function, t.tgrelid::regclass AS on_table, c.*
FROM pg_proc AS p
INNER JOIN pg_language AS l ON l.oid = p.prolang AND l.lanname = 'plpgsql'
LEFT JOIN pg_trigger AS t ON t.tgfoid = p.oid AND NOT t.tgisinternal
CROSS JOIN LATERAL plpgsql_check_function_tb(
    p.oid, coalesce(t.tgrelid, 0), oldtable => t.tgoldtable, newtable => t.tgnewtable, fatal_errors => false,
    other_warnings => true, performance_warnings => true, extra_warnings => true, security_warnings => true
) AS c
WHERE p.pronamespace = 'attribution'::regnamespace
    AND (p.prorettype <> 'trigger'::regtype OR t.oid IS NOT NULL)
    AND coalesce(c.detail, '') NOT LIKE 'attention: cannot to determine volatility of used dynamic SQL%'
ORDER BY 1, 2, c.lineno
"""
PLPGSQL = """
SELECT count(*) FROM pg_proc AS p INNER JOIN pg_language AS l ON l.oid = p.prolang AND l.lanname = 'plpgsql'
WHERE p.pronamespace = 'attribution'::regnamespace
"""
UNATTACHED = """
SELECT p.oid::regprocedure FROM pg_proc AS p
WHERE p.pronamespace = 'attribution'::regnamespace AND p.prorettype = 'trigger'::regtype
    AND NOT EXISTS (SELECT FROM pg_trigger AS t WHERE t.tgfoid = p.oid)
"""
# Functions in SQL are validated when they are made; again here, against what later files made of the schema.
VALIDATE = """
SELECT p.oid::regprocedure::text, p.oid FROM pg_proc AS p
INNER JOIN pg_language AS l ON l.oid = p.prolang AND l.lanname = 'sql'
WHERE p.pronamespace = 'attribution'::regnamespace
"""
BROKEN = {
    "unknown column": ("BEGIN PERFORM no_such_column FROM attribution.tenants; END", "no_such_column"),
    "unused variable": ("DECLARE v_unused int; BEGIN END", "unused variable"),
    "injection": ("BEGIN EXECUTE 'SELECT ' || p_text; END", "SQL injection"),
    "cast of a column": (
        "DECLARE v_n numeric := 1; BEGIN PERFORM 1 FROM pg_class WHERE relnatts = v_n; END",
        "implicit cast of attribute",
    ),
}

LENT = """\
-- lend(p_tenant, p_cents): lends a tenant money.
--
-- p_cents  minor units
-- SECURITY DEFINER: the tenant must not see the vault.

CREATE OR REPLACE FUNCTION attribution.lend(p_tenant uuid, p_cents bigint)
RETURNS void
LANGUAGE plpgsql
VOLATILE
SECURITY DEFINER
SET search_path = attribution, pg_temp
AS $$
BEGIN
    RAISE NOTICE 'CREATE VIEW nothing; %', p_tenant;
END
$$;

ALTER FUNCTION attribution.lend(uuid, bigint) OWNER TO attribution_engine;

COMMENT ON FUNCTION attribution.lend(uuid, bigint) IS 'Lends.';

REVOKE ALL ON FUNCTION attribution.lend(uuid, bigint) FROM PUBLIC;
"""
POLICIES = """\
-- Row-level security of loans: the tenant's own, nobody else's.

DROP POLICY IF EXISTS tenant_isolation ON attribution.loans;
CREATE POLICY tenant_isolation ON attribution.loans USING (true);
DROP POLICY IF EXISTS bound_login ON attribution.loans;
CREATE POLICY bound_login ON attribution.loans AS RESTRICTIVE USING (true);

COMMENT ON POLICY tenant_isolation ON attribution.loans IS 'Own rows.';
COMMENT ON POLICY bound_login ON attribution.loans IS 'Own login.';
"""
MUTANTS = [
    ("CREATE OR REPLACE FUNCTION", "CREATE FUNCTION", "CREATE OR REPLACE"),
    ("-- lend(p_tenant, p_cents): lends a tenant money.", "-- Lends.", "doesn't begin with"),
    (
        "p_cents): lends a tenant money.\n--\n-- p_cents",
        "amount): lends a tenant money.\n--\n-- amount",
        "p_cents",
    ),
    ("VOLATILE\n", "", "volatility"),
    ("-- SECURITY DEFINER: the", "-- The", "reason"),
    ("SET search_path = attribution, pg_temp\n", "", "search_path"),
    ("attribution, pg_temp", "public, attribution", "search_path"),
    ("COMMENT ON FUNCTION attribution.lend", "COMMENT ON FUNCTION attribution.borrow", "COMMENT"),
    ("REVOKE ALL ON FUNCTION", "REVOKE GRANT OPTION FOR ALL ON FUNCTION", "REVOKE"),
    ("ALTER FUNCTION", "-- ALTER FUNCTION", "OWNER"),
    ("attribution.lend(", "public.lend(", "schema"),
    ("LANGUAGE plpgsql", "LANGUAGE plpgsql ", "blanks"),
    ("'Lends.';", "'Lends.';\n\nCREATE VIEW attribution.v AS SELECT 1;", "2 objects"),
    ("FROM PUBLIC;\n", "FROM PUBLIC;", "newline"),
]


def plpgsql_faults(conn: psycopg.Connection[Any]) -> list[str]:
    """Everything that plpgsql_check finds in schema attribution, errors and all warnings."""
    faults = []
    for row in conn.cursor(row_factory=dict_row).execute(CHECK):
        where = f"{row['function']} on {row['on_table']}" if row["on_table"] else row["function"]
        more = "".join(f"\n    {row[key]}" for key in ("detail", "hint", "query") if row[key])
        faults.append(f"{where}, line {row['lineno']}: {row['level']}: {row['message']}{more}")
    return faults


@pytest.fixture
def checked(db: Database) -> Iterator[psycopg.Connection[Any]]:
    """A superuser's connection to a migrated database with plpgsql_check."""
    with db.connect(autocommit=True) as conn:
        conn.execute("CREATE EXTENSION plpgsql_check")
        yield conn


@pytest.mark.servers("plpgsql_check")
def test_plpgsql_check_is_clean(checked: psycopg.Connection[Any]) -> None:
    assert checked.execute(PLPGSQL).fetchone() != (0,)
    if faults := plpgsql_faults(checked):
        pytest.fail("\n".join(faults), pytrace=False)
    assert not checked.execute(UNATTACHED).fetchall(), "trigger functions without a trigger can't be checked"


@pytest.mark.servers("plpgsql_check")
@pytest.mark.parametrize("fault", BROKEN)
def test_plpgsql_check_finds(fault: str, checked: psycopg.Connection[Any]) -> None:
    body, expected = BROKEN[fault]
    checked.execute(
        f"CREATE FUNCTION attribution.broken(p_text text) RETURNS void LANGUAGE plpgsql AS $$ {body} $$"
    )
    assert [line for line in plpgsql_faults(checked) if "broken(text)" in line and expected in line]


def test_sql_functions_are_valid(db: Database) -> None:
    with db.connect() as conn:
        functions = conn.execute(VALIDATE).fetchall()
        assert functions
        for _, oid in functions:
            conn.execute("SELECT pg_catalog.fmgr_sql_validator(%s)", [oid])


def test_manifest_lists_each_file_once() -> None:
    assert sorted(manifest()) == [path.relative_to(SQL).as_posix() for path in OBJECTS]


@FILE
def test_sql_conventions(path: Path) -> None:
    if faults := sql_faults(PurePosixPath(path.relative_to(SQL)), path.read_text()):
        pytest.fail("\n".join(faults), pytrace=False)


def test_sql_conventions_find_each_fault() -> None:
    good_path = PurePosixPath("functions/10_tenant/lend.sql")
    assert sql_faults(good_path, LENT) == []
    missed = [
        f"{old!r} -> {new!r}"
        for old, new, expected in MUTANTS
        if not any(expected in fault for fault in sql_faults(good_path, LENT.replace(old, new)))
    ]
    assert not missed
    assert sql_faults(PurePosixPath("views/lend.sql"), LENT) == ["a FUNCTION belongs in functions/"]
    assert sql_faults(PurePosixPath("policies/loans.sql"), POLICIES) == []
    assert (
        sql_faults(PurePosixPath("policies/debts.sql"), POLICIES) == ["is not named as its object, loans"] * 2
    )
    assert sql_faults(PurePosixPath("functions/borrow.sql"), LENT) == ["is not named as its object, lend"]


@pytest.mark.parametrize("path", sorted((ROOT / "tests/sql").rglob("*.sql")), ids=lambda path: path.name)
def test_pgtap_names_the_sqlstate_it_expects(path: Path) -> None:
    assert throws_without_state(path.read_text()) == []


def test_pgtap_without_a_sqlstate_is_found() -> None:
    assert throws_without_state("SELECT throws_ok('SELECT 1', 'RA001', 'm', 'd');") == []
    assert throws_without_state("SELECT throws_ok('SELECT 1', 'some message');")


def tracked_files() -> list[Path]:
    """What git tracks or would track; without git, whatever is no cache."""
    if (ROOT / ".git").exists() and (git := shutil.which("git")):
        command = [
            git,
            "-c",
            "safe.directory=*",
            "ls-files",
            "--cached",
            "--others",
            "--exclude-standard",
            "-z",
        ]
        listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
        return [path for name in listed.split("\0") if name and (path := ROOT / name).is_file()]
    skipped = {"__pycache__", "build", "dist"} | {path.name for path in ROOT.glob(".*")} - {".ci", ".github"}
    return [
        path
        for path in ROOT.rglob("*")
        if path.is_file() and not skipped & set(path.relative_to(ROOT).parts[:-1])
    ]


def test_no_file_knows_this_machine() -> None:
    """No path of a developer's machine and no package index: the checkout must work anywhere."""
    here = [re.escape(str(path)) for path in {ROOT, Path.home()} if len(path.parts) > 2]
    pattern = re.compile(
        "|".join([*here, r"(?<![\w./])/(?:home|Users|root|work)/\w", r"/opt/(?:wheels|\w*venv)",
                  r"\bindex-url\b\s*[=:]", r"--(?:extra-)?index-url\b", r"--find-links\b",
                  r"https?://\S*(?:pypi|artifact\w*|nexus|devpi)\b"])
    )  # fmt: skip
    found = []
    for path in tracked_files():
        if path.suffix in {".png", ".gz"} or path == Path(__file__):
            continue
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
            if match := pattern.search(line):
                found.append(f"{path.relative_to(ROOT)}:{number}: {match[0]}")
    assert not found


def test_files_are_short() -> None:
    """A file that nobody reads to its end hides things: 400 lines are enough."""
    long = {
        str(path.relative_to(ROOT)): lines
        for path in tracked_files()
        # What a freeze wrote is a list, and as long as it is.
        if path.suffix in {".py", ".sql"} and not {"snapshots", "versions"} & set(path.parts)
        if (lines := len(path.read_text().splitlines())) > LINES
    }
    assert not long
