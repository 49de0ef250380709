"""A small Alembic project as somebody else would have it, for tests of ctl validate-migration.

Revision 0001 makes the schema of tests/migration_cases/given/base.sql; 0002 is the test's.
"""

from pathlib import Path

GIVEN = Path(__file__).parents[1] / "migration_cases" / "given"
INI = "[alembic]\nscript_location = migrations\nsqlalchemy.url = postgresql+psycopg://nobody@nowhere.invalid/production\n"
ENV = """
from alembic import context
from sqlalchemy import engine_from_config, pool

engine = engine_from_config(context.config.get_section("alembic"), poolclass=pool.NullPool)
if context.is_offline_mode():
    context.configure(dialect_name="postgresql", literal_binds=True)
    with context.begin_transaction():
        context.run_migrations()
else:
    with engine.connect() as connection:
        context.configure(connection=connection, transaction_per_migration=True)
        with context.begin_transaction():
            context.run_migrations()
"""
FIRST = '''
"""The start."""

from pathlib import Path

from alembic import op

revision = "0001"
down_revision = None
IRREVERSIBLE = "there is nothing before it"


def upgrade() -> None:
    text = Path(__file__).with_name("base.sql").read_text()
    op.get_bind().connection.cursor().execute(text)
'''
SECOND = '''
"""What is tried."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
{more}

def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '2s'")
{up}


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '2s'")
{down}
'''


def build(root: Path, up: str, down: str = "pass", more: str = "") -> Path:
    """Write the project; `up` and `down` are the lines of the functions of 0002. Returns the file of 0002."""
    versions = root / "migrations" / "versions"
    versions.mkdir(parents=True)
    (root / "alembic.ini").write_text(INI)
    (root / "migrations" / "env.py").write_text(ENV.lstrip())
    (root / "migrations" / "script.py.mako").write_text("")
    (versions / "base.sql").write_text((GIVEN / "base.sql").read_text())
    (versions / "0001_start.py").write_text(FIRST.lstrip())
    return add(root, "0002", up, down, more)


def add(root: Path, revision: str, up: str, down: str = "pass", more: str = "") -> Path:
    """Write one more revision after the one before it by number."""
    text = SECOND.format(up=_indented(up), down=_indented(down), more=more and f"{more}\n")
    text = text.replace('"0002"', f'"{revision}"').replace('"0001"', f'"{int(revision) - 1:04d}"')
    path = root / "migrations" / "versions" / f"{revision}_change.py"
    path.write_text(text.lstrip())
    return path


def line(path: Path, words: str) -> int:
    """The line of a file that has these words, which only one line has."""
    (found,) = [number for number, text in enumerate(path.read_text().splitlines(), 1) if words in text]
    return found


def _indented(code: str) -> str:
    return "\n".join(f"    {text}" if text else "" for text in code.strip("\n").splitlines())
