"""The register of the static checks: each family's module adds its own, by the kind of statement."""

from collections.abc import Callable
from typing import Any

from controlplane.validation.reading import Read
from controlplane.validation.state import State

Check = Callable[[State, Read], None]
CHECKS: dict[str, list[Check]] = {}
AT_END: list[Callable[[State], None]] = []


def on(*kinds: str) -> Callable[[Check], Check]:
    """Run a check on statements of these kinds (libpg_query's names, such as "drop_stmt")."""

    def register(check: Check) -> Check:
        for kind in kinds:
            CHECKS.setdefault(kind, []).append(check)
        return check

    return register


def at_end(check: Callable[[State], None]) -> Callable[[State], None]:
    """Run a check on what a direction of the migration leaves behind."""
    AT_END.append(check)
    return check


def enum(message: Any, field: str) -> str:
    """The name of a message's enum value, such as "OBJECT_TABLE"."""
    kind = type(message).DESCRIPTOR.fields_by_name[field].enum_type
    return str(kind.values_by_number[getattr(message, field)].name)
