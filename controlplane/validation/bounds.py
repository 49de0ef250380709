"""Whether a WHERE pins the rows that it means: a key to given values, a range of them or a limited set."""

from collections.abc import Iterator, Sequence
from typing import Any

from controlplane.validation.parse import OR, conjuncts, unwrap, walk, words

UPPER = {"<", "<=", "BETWEEN"}
LIKELY_KEYS = {"id", "uuid", "key", "code", "ctid"}  # where the catalogue is not known


def is_bounded(
    where: Any, keys: Sequence[frozenset[str]], columns: Sequence[str], sources: Sequence[Any]
) -> bool:
    """Whether an expression pins one of the `keys` of a table that has `columns`.

    `sources` are the nodes of FROM or USING: joining a list of values or a limited query pins a key too.
    """
    kind, node = unwrap(where)
    if not kind:
        return False
    if _is_or(where):
        return all(is_bounded(branch, keys, columns, sources) for branch in node.args)
    if _is_false(where):
        return True
    pinned = {name for part in conjuncts(where) for name in _pinned(part, columns, sources)}
    if "ctid" in pinned:
        return True
    if not columns:
        return any(name in LIKELY_KEYS or name.endswith("_id") for name in pinned)
    return any(key <= pinned for key in keys) or any(
        is_bounded(part, keys, columns, sources) for part in conjuncts(where) if _is_or(part)
    )


def _is_or(part: Any) -> bool:
    kind, node = unwrap(part)
    return kind == "bool_expr" and node.boolop == OR


def _is_false(where: Any) -> bool:
    kind, node = unwrap(where)
    return kind == "a_const" and node.WhichOneof("val") == "boolval" and not node.boolval.boolval


def _pinned(part: Any, columns: Sequence[str], sources: Sequence[Any]) -> Iterator[str]:
    """The columns that one condition pins."""
    kind, node = unwrap(part)
    if kind == "a_expr":
        operator = words(node.name)[-1]
        shape = type(node).DESCRIPTOR.fields_by_name["kind"].enum_type.values_by_number[node.kind].name
        (left_kind, one), (right_kind, other) = unwrap(node.lexpr), unwrap(node.rexpr)
        if operator == "=" and (left_kind, right_kind) == ("row_expr", "row_expr"):
            pairs = [*zip(one.args, other.args, strict=False), *zip(other.args, one.args, strict=False)]
            yield from (
                name for a, b in pairs if (name := _column(a, columns)) and is_given(b, columns, sources)
            )
            return
        left, right = _column(node.lexpr, columns), _column(node.rexpr, columns)
        if shape == "AEXPR_OP" and operator == "=":
            yield from (name for name, other in ((left, node.rexpr), (right, node.lexpr))
                        if name and is_given(other, columns, sources))  # fmt: skip
        elif shape == "AEXPR_OP_ANY" and left and is_given(node.rexpr, columns, sources):
            yield left
        elif (shape == "AEXPR_IN" and operator == "=") or shape == "AEXPR_BETWEEN" or operator in UPPER:
            if left and is_given(node.rexpr, columns, sources):
                yield left
        elif operator in (">", ">=") and right and is_given(node.lexpr, columns, sources):
            yield right
    elif kind == "sub_link" and node.HasField("testexpr") and not words(node.oper_name)[1:]:
        left = _column(node.testexpr, columns)
        if left and _is_limited(node.subselect):
            yield left


def _column(node: Any, columns: Sequence[str]) -> str | None:
    """The name of the column that an expression is, None for another expression or a variable."""
    kind, inner = unwrap(node)
    if kind != "column_ref":
        return None
    name = (words(inner.fields) or [""])[-1]
    return name if not columns or name in columns or name == "ctid" else None


def is_given(node: Any, columns: Sequence[str], sources: Sequence[Any] = ()) -> bool:
    """Whether an expression has one value, or a limited list of them, whatever the rows are."""
    for kind, inner in walk(node):
        if kind == "select_stmt":
            return _is_limited_select(inner)
        if kind != "column_ref":
            continue
        parts = words(inner.fields)
        if len(parts) > 1 and any(_alias(source) == parts[-2] and _is_listed(source) for source in sources):
            continue
        if not columns or not parts or parts[-1] in columns or (len(parts) > 1 and sources):
            return False
    return True


def _alias(source: Any) -> str:
    _, node = unwrap(source)
    return str(node.alias.aliasname) if node is not None and hasattr(node, "alias") else ""


def _is_listed(source: Any) -> bool:
    kind, node = unwrap(source)
    return kind == "range_subselect" and _is_limited(node.subquery)


def _is_limited(node: Any) -> bool:
    kind, inner = unwrap(node)
    return kind == "select_stmt" and _is_limited_select(inner)


def _is_limited_select(node: Any) -> bool:
    """A query that gives a known number of rows: VALUES, LIMIT, or one aggregate."""
    if len(node.values_lists) or unwrap(node.limit_count)[0]:
        return True
    return not len(node.from_clause) and not node.HasField("larg")
