"""A small shop as a catalogue, for tests of the static reading that need no server."""

from controlplane.validation import parse, static
from controlplane.validation.catalog import Catalog, Column, Constraint, Function, Policy, Relation, Trigger
from controlplane.validation.model import CapturedStatement, Finding, Location

TENANT = "(tenant_id = (current_setting('app.tenant_id'::text, true))::bigint)"
REFUSE = "BEGIN RAISE EXCEPTION 'append only'; END"


def table(name: str, rows: int = 1000, **more: object) -> Relation:
    """An isolated table of tenants' rows."""
    columns = {
        "id": Column("bigint", not_null=True),
        "tenant_id": Column("bigint", not_null=True),
        "code": Column("character varying(20)"),
        "cents": Column("integer"),
        "price": Column("numeric(10,2)"),
        "note": Column("text"),
        "at": Column("timestamp with time zone", not_null=True, default="now()"),
    }
    known = {
        "columns": columns,
        "rls": True,
        "force_rls": True,
        "policies": {"tenant_isolation": Policy("ALL", TENANT)},
        "constraints": {f"{name}_pkey": Constraint("p", "PRIMARY KEY (id)")},
    }
    return Relation(name, "r", rows=rows, **{**known, **more})  # type: ignore[arg-type]


CATALOG = Catalog(
    relations={
        "shop.orders": table("shop.orders"),
        "shop.ledger": table(
            "shop.ledger",
            triggers={
                "append_only": Trigger(
                    "shop.forbid",
                    definition="CREATE TRIGGER append_only BEFORE DELETE OR UPDATE ON shop.ledger "
                    "FOR EACH ROW EXECUTE FUNCTION shop.forbid()",
                )
            },
        ),
        "shop.countries": table("shop.countries", rls=False, force_rls=False, policies={},
                                columns={"code": Column("text", not_null=True)},
                                constraints={"k": Constraint("p", "PRIMARY KEY (code)")}),
        "shop.open_orders": Relation("shop.open_orders", "v", columns={"id": Column("bigint")},
                                     reads=frozenset({"shop.orders"}), security_invoker=True),
        "shop.orders_code": Relation("shop.orders_code", "i", table="shop.orders"),
    },
    functions=(
        Function("shop.forbid", "", "plpgsql", REFUSE, returns_trigger=True),
        Function("shop.wipe", "", "plpgsql", "BEGIN DELETE FROM shop.countries; END"),
        Function("shop.total", "bigint", "sql", "SELECT 1", volatility="s", definer=True, search_path="shop",
                 public=False),
        Function("shop.pick", "", "sql", "SELECT 1", volatility="v"),
    ),
    enums={"shop.status": ("new", "done")},
    schemas=frozenset({"shop"}),
    roles=frozenset({"shop_app", "shop_reader"}),
    known=True,
)  # fmt: skip


def read(
    sql: str, *, down: str = "", catalog: Catalog = CATALOG, alone: bool = False, timeout: int | None = 2000
) -> list[Finding]:
    """The findings of an upgrade and a downgrade, each in one transaction unless `alone`."""
    statements = [
        CapturedStatement(piece.sql, Location("change.sql", piece.line), direction, not alone)
        for direction, text in (("upgrade", sql), ("downgrade", down))
        for piece in parse.pieces(text)
    ]
    return static.read(statements, catalog, 16, timeout)


def rules(sql: str, **more: object) -> list[str]:
    """The ids of what is found, with the severity of what is no error: ["LK003", "SE012 warn"]."""
    found = read(sql, **more)  # type: ignore[arg-type]
    return sorted({one.rule if one.severity == "error" else f"{one.rule} {one.severity}" for one in found})
