"""ctl validate-migration as its users meet it: rules, formats, and one readable message for each mistake."""

import json
import re
from pathlib import Path

import pytest
import yaml
from ctl import Ctl, assert_error, runner

from controlplane.validation import parse
from controlplane.validation.handbook import inserted
from controlplane.validation.render import FORMATS
from controlplane.validation.rules import FAMILIES, RULES

ROOT = Path(__file__).parents[2]
DOCUMENT = ROOT / "docs" / "validate-migration.md"
GIVEN = ROOT / "tests" / "migration_cases" / "given"
OWN = ROOT / "tests" / "migration_cases" / "own"
# Found in a history of revisions, so that no .sql file can be a case of it: tests of their own do that.
OF_HISTORIES = ("RV", "WV", "HY005", "HY007", "HY008", "HY009")
STATIC = "validate-migration --static-only"


@pytest.fixture
def ctl(monkeypatch: pytest.MonkeyPatch) -> Ctl:
    return runner(monkeypatch)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with a dangerous and a harmless file."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bad.sql").write_text("SELECT 1;\nSET lock_timeout = '1s';\nDROP TABLE shop.orders;\n")
    (tmp_path / "good.sql").write_text("CREATE TABLE shop.notes (id bigint PRIMARY KEY);\n")
    return tmp_path


# Rules


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_a_rule_says_everything(rule) -> None:  # type: ignore[no-untyped-def]
    assert re.fullmatch(r"[A-Z]{2}\d{3}", rule.id)
    assert rule.family in FAMILIES.values()
    assert rule.waivable in ("revision", "policy", "never")
    assert all(text.strip() for text in (rule.title, rule.what, rule.why, rule.safe))
    assert not rule.title.endswith(".")
    assert rule.what.endswith(".")
    assert rule.why.endswith(".")
    statements = parse.pieces(rule.safe)
    assert statements or all(line.startswith("-- ") for line in rule.safe.splitlines())


def test_every_rule_has_its_cases() -> None:
    names = [path.name for path in OWN.glob("*.sql")]
    for rule in RULES.values():
        if rule.id.startswith(OF_HISTORIES):
            continue
        unsafe = "_u_" if rule.severity == "error" else "_s_"
        assert any(name.startswith(f"{rule.id}{unsafe}") for name in names), rule.id
    assert all(re.match(r"[A-Z]{2}\d{3}_[su]_\w+\.sql$", name) for name in names)


def test_the_document_holds_the_rules() -> None:
    text = DOCUMENT.read_text()
    assert inserted(text) == text, (
        "run: python -m controlplane.validation.handbook docs/validate-migration.md"
    )
    assert inserted(text.replace("An index is built", "A table is built")) == text


def test_the_pipelines_are_yaml() -> None:
    github, gitlab = (
        yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", DOCUMENT.read_text(), re.S)
    )
    steps = github["jobs"]["migrations"]["steps"]
    assert steps[0]["with"]["fetch-depth"] == 0
    assert "--format sarif=findings.sarif" in steps[3]["run"]
    assert "--format junit=junit.xml" in gitlab["migrations"]["script"][-1]


def test_list_and_explain(ctl: Ctl) -> None:
    assert len(json.loads(ctl("validate-migration --list-rules --json").stdout)) == len(RULES)
    assert all(rule in ctl("validate-migration --list-rules").stdout for rule in RULES)
    text = ctl("validate-migration --explain lk003").stdout
    assert text.startswith("LK003 An index is built without CONCURRENTLY\n")
    assert "CREATE INDEX CONCURRENTLY" in text
    assert json.loads(ctl("validate-migration --explain LK003 --json").stdout)["family"] == "locks"


# Formats and exit codes


def test_a_file_that_is_only_read(ctl: Ctl, here: Path) -> None:
    result = ctl(f"{STATIC} bad.sql")
    assert result.exit_code == 1
    assert result.stdout.startswith("UNSAFE: 1 error in 1 unit (no server: read only, not run)")
    assert "error bad.sql:3: DL001" in result.stdout
    assert "not run: history, trace" in result.stdout
    assert ctl(f"{STATIC} good.sql").exit_code == 0


def test_the_schema_is_read_too(ctl: Ctl) -> None:
    """Without a server, on the schema's text alone: every UNSAFE one of the given cases, and no SAFE one."""
    cases = sorted(path for path in GIVEN.glob("*.sql") if path.name != "base.sql")
    result = ctl(f"{STATIC} --json --setup", None, str(GIVEN / "base.sql"), *map(str, cases))
    units = json.loads(result.stdout)["units"]
    found = [any(one["severity"] == "error" for one in unit["findings"]) for unit in units]
    assert found == [path.read_text().startswith("-- expect: UNSAFE") for path in cases]
    assert len(found) == 52


def test_a_schema_that_does_not_parse(ctl: Ctl, here: Path) -> None:
    (here / "typo.sql").write_text("CREATE TABEL x;")
    assert_error(ctl(f"{STATIC} good.sql --setup typo.sql"), 3, "typo.sql:1", "TABEL")


def test_what_only_warns_can_fail_too(ctl: Ctl, here: Path) -> None:
    (here / "warn.sql").write_text("REVOKE SELECT ON shop.orders FROM shop_reader;\n")
    assert ctl(f"{STATIC} warn.sql").exit_code == 0
    assert ctl(f"{STATIC} warn.sql --fail-on warn").exit_code == 1


def test_formats_with_files(ctl: Ctl, here: Path) -> None:
    words = " ".join(f"--format {form}=out.{form}" for form in FORMATS)
    result = ctl(f"{STATIC} bad.sql good.sql {words}")
    assert result.exit_code == 1
    assert result.stdout.startswith("UNSAFE")
    assert {path.suffix for path in here.glob("out.*")} == {f".{form}" for form in FORMATS}
    assert "::error file=bad.sql,line=3,title=DL001" in (here / "out.github").read_text()


def test_only_what_has_no_file_is_printed(ctl: Ctl, here: Path) -> None:
    result = ctl(f"{STATIC} bad.sql --format github --format sarif=x.sarif")
    assert result.stdout.startswith("::error file=bad.sql")
    assert json.loads(ctl(f"{STATIC} bad.sql --json").stdout)["exit_code"] == 1
    assert json.loads(ctl(f"{STATIC} bad.sql --format json").stdout)["verdict"] == "unsafe"


# Mistakes


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--format pdf", "there is no format 'pdf'"),
        ("--format text --format github", "only one format can be printed"),
        ("--format sarif=no/where.sarif", "there is no folder 'no'"),
        ("--explain XX001", "there is no rule 'XX001'"),
        ("--fail-on info", "'info' is not one of"),
        ("--stage guess", "'guess' is not one of"),
        ("--timeout 0", "0"),
        ("--timeout soon", "'soon' is not a valid"),
        ("--ephemeral --database-url postgresql://x/y", "exclude each other"),
        ("gone.sql", "there is no file gone.sql"),
        ("bad.sql --setup gone.sql", "there is no file gone.sql"),
        ("bad.sql --seed gone.sql", "there is no file gone.sql"),
        ("0815", "0815"),
        ("0001..0815", "0815"),
    ],
)
def test_usage(ctl: Ctl, here: Path, words: str, message: str) -> None:
    assert_error(ctl(f"validate-migration {words}"), 2, message)


def test_sql_that_does_not_parse(ctl: Ctl, here: Path) -> None:
    (here / "typo.sql").write_text("SELECT 1;\nDROP TABEL x;\n")
    result = ctl(f"{STATIC} typo.sql")
    assert result.exit_code == 3
    assert result.stdout.startswith("COULD NOT VALIDATE")
    assert re.search(r"typo\.sql:2.*syntax error at or near \"TABEL\"", result.stdout)


def test_a_file_that_is_no_text(ctl: Ctl, here: Path) -> None:
    (here / "image.sql").write_bytes(b"\x89PNG\xff\xfe\x00")
    result = ctl(f"{STATIC} image.sql")
    assert result.exit_code == 3
    assert "image.sql" in result.stdout + result.stderr


def test_a_policy_that_is_no_toml(ctl: Ctl, here: Path) -> None:
    (here / "migration-policy.toml").write_text("= 1")
    assert_error(ctl(f"{STATIC} good.sql"), 3, "migration-policy.toml is not TOML")


def test_a_faulty_policy_is_a_finding(ctl: Ctl, here: Path) -> None:
    (here / "migration-policy.toml").write_text("[[spanning_roles]]\nrole = 'batch'\n")
    result = ctl(f"{STATIC} good.sql")
    assert result.exit_code == 1
    assert "migration-policy.toml:1: WV004" in result.stdout


@pytest.mark.parametrize("words", ["bad.sql", ""])
def test_a_server_that_is_not_there(ctl: Ctl, here: Path, words: str) -> None:
    (here / "alembic").mkdir()
    result = ctl(f"validate-migration bad.sql {words} --database-url postgresql://postgres@127.0.0.1:1/x")
    assert_error(result, 3, "cannot connect")
