"""What ALTER COLUMN … TYPE does: nothing to the rows, a scan, a rewrite, or a loss."""

import re
from dataclasses import dataclass

INTEGERS = {"smallint": 2, "integer": 4, "bigint": 8}
ALIASES = {
    "int2": "smallint", "int4": "integer", "int": "integer", "int8": "bigint", "serial": "integer",
    "bigserial": "bigint", "smallserial": "smallint", "varchar": "character varying", "bpchar": "character",
    "char": "character", "bool": "boolean", "float4": "real", "float8": "double precision",
    "decimal": "numeric", "timestamptz": "timestamp with time zone",
    "timestamp": "timestamp without time zone", "timetz": "time with time zone",
    "time": "time without time zone", "varbit": "bit varying",
}  # fmt: skip
TEXT = {"character varying", "text"}
SHAPE = re.compile(r"^(?P<base>[^(]+?)\s*(?:\((?P<sizes>[\d, -]+)\))?(?P<rest>[^()]*)$")
KINDS = [
    {"smallint", "integer", "bigint", "numeric", "real", "double precision"},
    {"character varying", "text", "character", "citext", "name"},
    {"timestamp with time zone", "timestamp without time zone", "date"},
    {"json", "jsonb"},
]


@dataclass(frozen=True)
class Change:
    """`rewrite`: each row is copied. `narrows`: values may not fit. `breaks`: another kind of value."""

    rewrite: bool
    narrows: bool
    breaks: bool


def compare(old: str, new: str) -> Change:
    """What changing a column from type `old` to `new` does; both as format_type() or SQL writes them."""
    (old_base, old_sizes), (new_base, new_sizes) = _parts(old), _parts(new)
    if old_base == new_base:
        return _same(old_base, old_sizes, new_sizes)
    if {old_base, new_base} <= TEXT:  # varchar to text costs nothing; back again each value is looked at
        narrows = new_base != "text" and bool(new_sizes)
        return Change(rewrite=narrows, narrows=narrows, breaks=False)
    if (old_base, new_base) == ("cidr", "inet"):
        return Change(rewrite=False, narrows=False, breaks=False)
    return Change(
        rewrite=True, narrows=_narrows(old_base, new_base, new_sizes), breaks=not _akin(old_base, new_base)
    )


def same(one: str, other: str) -> bool:
    """Whether two spellings mean one type."""
    return _parts(one) == _parts(other)


def _parts(type_: str) -> tuple[str, tuple[int, ...]]:
    match = SHAPE.match(type_.strip().lower().removeprefix("pg_catalog."))
    if not match:
        return type_, ()
    base = (match["base"] + match["rest"]).strip()
    sizes = tuple(int(size) for size in (match["sizes"] or "").split(",") if size.strip())
    return ALIASES.get(base, base), sizes


def _same(base: str, old: tuple[int, ...], new: tuple[int, ...]) -> Change:
    if old == new:
        return Change(rewrite=False, narrows=False, breaks=False)
    if base == "numeric" and new:
        old_digits, old_scale = (*old, 0)[:2] if old else (1000, 1000)
        digits, scale = (*new, 0)[:2]
        narrows = not old or scale < old_scale or digits - scale < old_digits - old_scale
        return Change(rewrite=narrows or scale != old_scale, narrows=narrows, breaks=False)
    narrows = bool(new) and (not old or new[0] < old[0])
    return Change(rewrite=narrows or base in ("character", "bit"), narrows=narrows, breaks=False)


def _narrows(old: str, new: str, sizes: tuple[int, ...]) -> bool:
    if old in INTEGERS and new in INTEGERS:
        return INTEGERS[new] < INTEGERS[old]
    if new in INTEGERS or new in ("date", "boolean", "real", "name"):
        return True
    if old in KINDS[0] and new == "numeric":
        return bool(sizes)
    if old in ("numeric", "bigint") and new == "double precision":
        return True
    return (bool(sizes) and new in ("character varying", "character")) or new.startswith("time without")


def _akin(old: str, new: str) -> bool:
    return any(old in kinds and new in kinds for kinds in KINDS)
