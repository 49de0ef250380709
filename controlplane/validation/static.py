"""Static reading: every suspicion that the text of a migration gives, before a server settles it."""

from collections.abc import Sequence

from controlplane.validation import (  # noqa: F401  (each family's module adds its checks to the register)
    static_alter,
    static_constraints,
    static_drop,
    static_grants,
    static_guards,
    static_isolation,
    static_locks,
    static_rename,
    static_rows,
    static_session,
)
from controlplane.validation.catalog import Catalog
from controlplane.validation.checks import AT_END, CHECKS
from controlplane.validation.effects import apply
from controlplane.validation.model import CapturedStatement, Finding
from controlplane.validation.reading import Reader
from controlplane.validation.state import State


def read(
    statements: Sequence[CapturedStatement],
    catalog: Catalog,
    server_major: int,
    lock_timeout_ms: int | None = None,
) -> list[Finding]:
    """Judge the statements of one unit, its upgrade and then its downgrade, each in its order.

    `catalog` is the database before the unit; an empty one means that nothing is known. `lock_timeout_ms`
    is what whoever runs the migration sets beforehand (None: nothing). Every finding is inferred.
    """
    state = State(catalog, server_major, lock_timeout_ms)
    reader = Reader(state.bodies)
    direction = "upgrade"
    for statement in statements:
        if statement.direction != direction:
            _finish(state)
            state.turn_back()
            direction = statement.direction
        for piece in reader.read(statement):
            for check in CHECKS.get(piece.kind, ()):
                check(state, piece)
            apply(state, piece)
        if not statement.in_transaction:
            state.end_transaction()
    _finish(state)
    return state.findings


def _finish(state: State) -> None:
    for check in AT_END:
        check(state)
