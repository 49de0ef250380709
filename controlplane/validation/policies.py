"""Whether a row-level security expression holds a row to who is asking."""

from collections.abc import Iterable
from typing import Any

from controlplane.validation.parse import IS_NULL, Unparsable, conjuncts, expression, unwrap, walk, words


def isolates(node: Any, tenant_columns: Iterable[str]) -> bool:
    """Whether an expression compares a tenant column with something that the session decides.

    One such condition among those ANDed is enough; of those ORed each must be one. Rows that belong to
    nobody (tenant_id IS NULL) count as held.
    """
    names = set(tenant_columns)
    return any(_holds(part, names) for part in conjuncts(node))


def isolates_text(sql: str, tenant_columns: Iterable[str]) -> bool:
    """The same for an expression as the catalogue writes it."""
    try:
        return bool(sql) and isolates(expression(sql), tenant_columns)
    except Unparsable:
        return False


def _holds(node: Any, names: set[str]) -> bool:
    kind, inner = unwrap(node)
    if kind == "bool_expr":
        is_or = len(inner.args) > 1  # conjuncts() has taken AND apart; NOT has one argument
        return is_or and all(any(_holds(part, names) for part in conjuncts(arg)) or _is_nobody(arg, names)
                             for arg in inner.args)  # fmt: skip
    if kind == "a_expr" and words(inner.name)[-1:] == ["="]:
        sides = [(inner.lexpr, inner.rexpr), (inner.rexpr, inner.lexpr)]
        return any(_is_tenant(one, names) and _asks_session(other) for one, other in sides)
    if kind == "sub_link":
        by_column = inner.HasField("testexpr") and _is_tenant(inner.testexpr, names)
        names_tenant = any(
            found == "column_ref" and words(column.fields)[-1:] and words(column.fields)[-1] in names
            for found, column in walk(inner.subselect)
        )
        return (by_column or names_tenant) and _calls(inner.subselect)
    return False


def _is_nobody(node: Any, names: set[str]) -> bool:
    kind, inner = unwrap(node)
    return kind == "null_test" and inner.nulltesttype == IS_NULL and _is_tenant(inner.arg, names)


def _is_tenant(node: Any, names: set[str]) -> bool:
    kind, inner = unwrap(node)
    if kind == "type_cast":
        return _is_tenant(inner.arg, names)
    return kind == "column_ref" and (words(inner.fields) or [""])[-1] in names


def _asks_session(node: Any) -> bool:
    """Whether a value comes from a function or CURRENT_USER, and from no column of the row."""
    outside = unwrap(node)[0] == "sub_link" or not any(kind == "column_ref" for kind, _ in walk(node))
    return outside and _calls(node)


def _calls(node: Any) -> bool:
    return any(kind in ("func_call", "sqlvalue_function", "sql_value_function") for kind, _ in walk(node))
