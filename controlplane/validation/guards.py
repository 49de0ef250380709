"""How firmly a trigger function refuses: what it raises, read from its PL/pgSQL."""

from collections.abc import Iterator
from enum import IntEnum
from typing import Any

from controlplane.validation.parse import Unparsable, plpgsql

ERROR = 21  # elog levels: 21 is ERROR, lower ones only tell
RAISE, RETURN, BLOCK = "PLpgSQL_stmt_raise", "PLpgSQL_stmt_return", "PLpgSQL_stmt_block"


class Refusal(IntEnum):
    """Whether a function raises an error: in no case, in some, or whatever happens."""

    NEVER = 0
    SOMETIMES = 1
    ALWAYS = 2


def refusal(body: str, language: str = "plpgsql") -> Refusal | None:
    """How a trigger function with this body refuses; None if it can't be read."""
    if language != "plpgsql":
        return None
    try:
        return _block(plpgsql(body)["action"][BLOCK])
    except Unparsable:
        return None


def _block(block: dict[str, Any]) -> Refusal:
    found = _sequence(block.get("body", []))
    handlers = block.get("exceptions", {}).get("PLpgSQL_exception_block", {}).get("exc_list", [])
    for handler in handlers:  # one that raises nothing swallows the error
        found = min(found, _sequence(handler.get("PLpgSQL_exception", {}).get("action", [])))
    return found


def _sequence(statements: list[dict[str, Any]]) -> Refusal:
    """What a list of statements does, up to the first that always raises or returns."""
    found, may_return = Refusal.NEVER, False
    for statement in statements:
        ((kind, value),) = statement.items()
        if kind == RETURN:
            break
        if kind == RAISE:
            inner = Refusal.ALWAYS if value.get("elog_level", ERROR) >= ERROR else Refusal.NEVER
        elif kind == BLOCK:
            inner = _block(value)
        else:
            raised = any(level >= ERROR for level in _levels(value))
            inner = Refusal.SOMETIMES if raised else Refusal.NEVER
        if inner is Refusal.ALWAYS:
            return Refusal.SOMETIMES if may_return else inner
        found = max(found, inner)
        may_return = may_return or RETURN in str(value)
    return found


def _levels(tree: Any) -> Iterator[int]:
    """The levels of every RAISE in a tree."""
    if isinstance(tree, list):
        for entry in tree:
            yield from _levels(entry)
    elif isinstance(tree, dict):
        if RAISE in tree:
            yield tree[RAISE].get("elog_level", ERROR)
        for value in tree.values():
            yield from _levels(value)
