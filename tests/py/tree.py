"""A small checkout of its own, for tests of what edits sql: a table, an object of each kind, one revision."""

import shutil
from pathlib import Path

import pytest

from controlplane import freeze, resources

ROOT = Path(__file__).parents[2]

FILES = {
    "alembic/versions/0001_engine.py": '''
"""The start."""

from controlplane.revision import apply, drop

revision = "0001"
down_revision = None


def upgrade() -> None:
    apply("0001", "tables/10_sale.sql")
    apply("0001", "functions/10_sale/twice.sql")
    # <objects>
    # </objects>


def downgrade() -> None:
    # <objects>
    # </objects>
    drop("0001", "functions/10_sale/twice.sql")
    apply("0001", "tables/zz_drop.sql")
''',
    "alembic/snapshots/0001/tables/10_sale.sql": """
CREATE TABLE attribution.sale (
    id int PRIMARY KEY,
    template jsonb DEFAULT '{"a":1, "b":"100%", "c": ":name"}'
);
ALTER TABLE attribution.sale ENABLE ROW LEVEL SECURITY;
""",
    "alembic/snapshots/0001/tables/zz_drop.sql": "DROP TABLE attribution.sale;\n",
    "sql/manifest.txt": """
# Sales
functions/10_sale/twice.sql
functions/10_sale/guard.sql   # a trigger function
triggers/sale_guard.sql
policies/sale.sql
views/sales.sql
""",
    "sql/functions/10_sale/twice.sql": """
-- twice(p_value): it's the value; twice.
CREATE OR REPLACE FUNCTION attribution.twice(p_value int)
RETURNS int
LANGUAGE sql
IMMUTABLE
RETURN p_value * 2;
""",
    "sql/functions/10_sale/guard.sql": """
CREATE OR REPLACE FUNCTION attribution.guard()
RETURNS trigger
LANGUAGE plpgsql
SET search_path = attribution, pg_temp
AS $guard$
BEGIN
    RAISE EXCEPTION 'no % of %: that''s "final" :name', tg_op, tg_relid::regclass;
END
$guard$;

COMMENT ON FUNCTION attribution.guard() IS 'CREATE FUNCTION attribution.not_this_one(): a guard; no more.';
""",
    "sql/triggers/sale_guard.sql": """
CREATE OR REPLACE TRIGGER sale_guard
BEFORE UPDATE ON attribution.sale
FOR EACH ROW EXECUTE FUNCTION attribution.guard();

ALTER TABLE attribution.sale ENABLE ALWAYS TRIGGER sale_guard;
""",
    "sql/policies/sale.sql": """
DROP POLICY IF EXISTS even ON attribution.sale;
CREATE POLICY even ON attribution.sale USING (attribution.twice(id) % 4 = 0);
""",
    "sql/views/sales.sql": """
CREATE OR REPLACE VIEW attribution.sales WITH (security_invoker) AS
SELECT s.id FROM attribution.sale AS s;
""",
}


def build(root: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write the checkout below `root` and make it the one that controlplane works on."""
    for path, text in FILES.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text.lstrip("\n"))
    shutil.copy(ROOT / "alembic" / "env.py", root / "alembic")
    monkeypatch.setattr(resources, "PACKAGE", root / "controlplane")
    freeze.freeze("", amend=True)
    return root


def edit(root: Path, path: str, old: str, new: str) -> None:
    """Replace text in one of its files."""
    text = (root / path).read_text()
    assert old in text
    (root / path).write_text(text.replace(old, new))
