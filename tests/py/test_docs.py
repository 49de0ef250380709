"""The documents are true: their SQL gives what they show, their links and names lead somewhere.

Every ```sql block of README.md and docs/ is run by psql, file by file, in one session of a superuser on a
fresh database. A ```text block right after it is its output; a block without one must only not fail.
"""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from pgtap_runner import environment
from psycopg import sql
from servers import Database, find_psql

from controlplane.cli import main

ROOT = Path(__file__).parents[2]
DOCS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
EACH = pytest.mark.parametrize("path", DOCS, ids=lambda path: path.name)

FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
EXAMPLE = re.compile(r"^```sql\n(.*?)^```\n(?:```text\n(.*?)^```$)?", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
CODE = re.compile(r"`([^`\n]+)`")
NOISE = re.compile(r"CONTEXT:|You are now connected |(?:PL/pgSQL|SQL) (?:function|statement) |(?:RE)?SET$")
UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
SETTINGS = {"on_invalid"}  # written like objects of the schema
NOT_OURS = {"unnest"}  # a function of PostgreSQL
TREE = re.compile(r"(?:sql|tests|controlplane|alembic|docs|\.ci)/[\w./-]*")
OBJECTS = """
    SELECT relname FROM pg_class WHERE relnamespace = 'attribution'::regnamespace
    UNION SELECT proname FROM pg_proc WHERE pronamespace = 'attribution'::regnamespace
    """
COLUMNS = """
    SELECT c.relname || '.' || a.attname FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid
    WHERE c.relnamespace = 'attribution'::regnamespace AND a.attnum > 0 AND NOT a.attisdropped
    """


def examples(text: str) -> list[tuple[str, str]]:
    """The SQL of a document, each with the output that it shows (empty: none)."""
    return [(block, shown) for block, shown in EXAMPLE.findall(text)]


def differences(text: str, db: Database) -> list[str]:
    """Run a document's SQL, and say where it gives something else than the document shows."""
    blocks = examples(text)
    script = "".join(
        f"\\echo @@{number}\n\\warn @@{number}\n{block}\n" for number, (block, _) in enumerate(blocks)
    )
    command = [find_psql(db.server), "--no-psqlrc", "--pset=pager=off", f"--dbname={db.url}"]
    done = subprocess.run(
        command, input=script, capture_output=True, text=True, timeout=120, env=environment()
    )
    printed, warned = by_block(done.stdout), by_block(done.stderr)
    faults = [] if len(printed) == len(blocks) else [f"psql ended early: {done.stderr}"]
    for number, (block, shown) in enumerate(blocks[: len(printed)]):
        found = meant(warned[number] + printed[number])
        if shown and found != meant(shown):
            faults.append(f"{block}\ngives\n{found}\n\nand not\n{meant(shown)}")
        if not shown and "ERROR:" in warned[number]:
            faults.append(f"{block}\nfails: {warned[number]}")
    return faults


def by_block(output: str) -> list[str]:
    return re.split(r"^@@\d+\n", output, flags=re.MULTILINE)[1:]


def meant(output: str) -> str:
    """Output without what differs by server or run, and without what the documents leave out."""
    lines = (UUID.sub("…", line.rstrip()) for line in output.splitlines())
    return "\n".join(line for line in lines if not NOISE.match(line)).strip()


@pytest.mark.servers("local")
@pytest.mark.parametrize(
    "path", [path for path in DOCS if examples(path.read_text())], ids=lambda path: path.name
)
def test_sql_gives_what_is_shown(path: Path, db: Database) -> None:
    text = path.read_text()
    try:
        if faults := differences(text, db):
            pytest.fail("\n\n".join(faults), pytrace=False)
    finally:
        with db.connect() as conn:
            for role in set(re.findall(r"CREATE ROLE (\w+)", text)):
                conn.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(role)))


@pytest.mark.servers("one")
def test_a_wrong_figure_is_found(db: Database) -> None:
    shown = "```sql\nSELECT 1 AS n;\n```\n```text\n n\n---\n 1\n(1 row)\n\n```\n"
    assert differences(shown, db) == []
    assert differences(shown.replace("\n 1\n", "\n 2\n"), db)
    assert differences("```sql\nSELECT * FROM nowhere;\n```\n", db)
    assert differences("```sql\n\\quit\n```\n" + shown, db)


def test_readme_is_a_tour_with_results() -> None:
    shown = [bool(output) for _, output in examples((ROOT / "README.md").read_text())]
    assert sum(shown) >= 8


def test_readme_shows_the_two_commands() -> None:
    blocks = "".join(body for _, body in FENCE.findall((ROOT / "README.md").read_text()))
    for command in ("make demo", "make test"):
        assert re.search(rf"^{command}\b", blocks, re.MULTILINE)


def test_each_guarantee_names_its_proof() -> None:
    rows = re.findall(r"^\| (G\d+) \|.*\|(.*)\|$", (ROOT / "README.md").read_text(), re.MULTILINE)
    assert [name for name, _ in rows] == [f"G{number}" for number in range(1, 11)]
    for name, proof in rows:
        assert any(target.startswith("tests/") for target in LINK.findall(proof)), name


@EACH
def test_links_lead_somewhere(path: Path) -> None:
    for target in LINK.findall(prose(path)):
        if not re.match(r"[a-z]+:", target):
            file, _, anchor = target.partition("#")
            aim = (path.parent / file).resolve() if file else path
            assert aim.exists(), target
            assert not anchor or anchor in anchors(aim), target


def anchors(path: Path) -> set[str]:
    """The anchors of a document's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", path.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def prose(path: Path) -> str:
    return FENCE.sub("", path.read_text())


def code(path: Path) -> Iterator[str]:
    """Every piece of code in a document: the spans, and the lines of shell blocks."""
    yield from CODE.findall(prose(path))
    for language, body in FENCE.findall(path.read_text()):
        if language in ("sh", "console"):
            yield from body.splitlines()


def ctl_faults(line: str) -> list[str]:
    """What is wrong with each `ctl …` of a line: a command or an option that there isn't."""
    faults = []
    for call in re.findall(r"(?:^|[ /(\"])ctl((?: [^;|&()#`]*)?)", line):
        command: click.Command = main
        words = call.split()
        while words and isinstance(command, click.Group) and re.fullmatch(r"[a-z][a-z-]*", words[0]):
            if words[0] not in command.commands:
                faults.append(f"ctl{call}: there is no {words[0]}")
                break
            command = command.commands[words.pop(0)]
        known = {option for parameter in command.params for option in parameter.opts}
        given = {word.partition("=")[0] for word in words if word.startswith("--")}
        if command.name != "psql":  # its arguments are psql's
            faults += [f"ctl{call}: there is no {option}" for option in given - known - {"--help"}]
    return faults


@EACH
def test_every_ctl_command_exists(path: Path) -> None:
    assert [fault for line in code(path) for fault in ctl_faults(line)] == []


def test_a_command_that_is_not_there_is_found() -> None:
    assert ctl_faults('ctl tenant create "A" --email a@b.example && ctl run --watch') == []
    assert ctl_faults("ctl conjure x.csv") == ["ctl conjure x.csv: there is no conjure"]
    assert ctl_faults("psql -c x; .venv/bin/ctl run --forever") == [
        "ctl run --forever: there is no --forever"
    ]


def test_readme_names_every_command() -> None:
    def leaves(group: click.Group, words: str) -> Iterator[str]:
        for name, command in group.commands.items():
            if isinstance(command, click.Group):
                yield from leaves(command, f"{words} {name}")
            else:
                yield f"{words} {name}"

    assert set(leaves(main, "ctl")) - set(CODE.findall(prose(ROOT / "README.md"))) == set()


@EACH
def test_every_make_target_exists(path: Path) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    asked = {name for line in code(path) for name in re.findall(r"^make ([a-z]+)", line)}
    assert asked <= targets


@EACH
def test_every_path_exists(path: Path) -> None:
    for span in CODE.findall(prose(path)):
        if TREE.fullmatch(span):
            assert (ROOT / span).exists(), span


@pytest.mark.servers("one")
@EACH
def test_every_object_exists(path: Path, db: Database) -> None:
    with db.connect() as conn:
        objects = {name for (name,) in conn.execute(OBJECTS)}
        columns = {name for (name,) in conn.execute(COLUMNS)}
    text = path.read_text()
    assert set(re.findall(r"\battribution\.([a-z]\w*)", text)) - SETTINGS <= objects
    spans = CODE.findall(prose(path))
    called = {match[1] for span in spans if (match := re.fullmatch(r"([a-z]\w*)\(.*\)", span))}
    assert called - objects - NOT_OURS == set()
    dotted = {span for span in spans if re.fullmatch(r"[a-z_]+\.[a-z_]+", span)}
    assert {name for name in dotted if name.partition(".")[0] in objects} <= columns


@pytest.mark.servers("one")
def test_our_names_are_names_of_ours(db: Database) -> None:
    rows = re.findall(r"^\|.*\|([^|]*)\|$", (ROOT / "docs/names.md").read_text(), re.MULTILINE)
    names = {name.removesuffix("()") for row in rows for name in CODE.findall(row)}
    with db.connect() as conn:
        known = {name for query in (OBJECTS, COLUMNS) for (name,) in conn.execute(query)}
    assert len(names) > 40
    assert names - known == set()
