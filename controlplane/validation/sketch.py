"""A catalogue drawn from the text of a schema, for --static-only, where no server has one."""

from dataclasses import replace

from controlplane.validation import parse, static  # noqa: F401  (registers the checks, which keep the state)
from controlplane.validation.catalog import Catalog, Constraint, Function, Relation, Trigger
from controlplane.validation.checks import CHECKS
from controlplane.validation.effects import apply
from controlplane.validation.model import CapturedStatement, Location
from controlplane.validation.parse import words
from controlplane.validation.reading import Body, Reader
from controlplane.validation.state import State, Table

VIEWS = "vm"


def catalog(text: str, base: Catalog | None = None) -> Catalog:
    """What a schema's SQL makes, as far as its text tells. Raises Unparsable.

    Rows, and what dynamic SQL makes, are not known: what is not in the catalogue may still be there. `base`
    gives what the project has decided.
    """
    base = base or Catalog()
    state = State(base, 0, None)  # what a version rewrites does not matter here
    reader = Reader(state.bodies)
    triggers: dict[str, dict[str, Trigger]] = {}
    schemas, roles = set(), set()
    for piece in parse.pieces(text):
        for read in reader.read(CapturedStatement(piece.sql, Location("", piece.line))):
            for check in CHECKS.get(read.kind, ()):
                check(state, read)
            apply(state, read)
            if read.kind == "create_trig_stmt":
                made = Trigger(state.qualified(words(read.node.funcname)), definition=read.sql)
                triggers.setdefault(state.name(read.node.relation), {})[read.node.trigname] = made
    for name in state.born:
        kind, _, rest = name.partition(" ")
        schemas |= {rest} if kind == "schema" else set()
        roles |= {rest} if kind == "role" else set()
    return replace(
        base,
        relations={
            name: _relation(table, triggers.get(name, {}))
            for name, table in state.tables.items()
            if name in state.born
        }
        | {name: Relation(name, "i") for name in state.indexes},
        functions=tuple(
            _function(body, state, name) for name, bodies in state.functions.items() for body in bodies
        ),
        schemas=frozenset(schemas),
        roles=frozenset(roles),
        domains=state.domains,
    )


def _relation(table: Table, triggers: dict[str, Trigger]) -> Relation:
    keys = {
        f"key {number}": Constraint("u", f"UNIQUE ({', '.join(sorted(key))})")
        for number, key in enumerate(table.keys)
    }
    return Relation(
        table.name,
        table.kind,
        columns=table.columns,
        rows=0 if table.kind in VIEWS else 1,
        rls=table.rls,
        force_rls=table.force_rls,
        policies=table.policies,
        triggers=triggers,
        constraints=table.constraints | keys,
        reads=table.reads,
        security_invoker=table.security_invoker,
    )


def _function(body: Body, state: State, name: str) -> Function:
    return Function(
        name,
        "",
        body.language,
        body.text,
        volatility="v" if state.volatile.get(name, True) else "i",
        definer=name in state.definers,
        search_path="pinned" if state.pinned.get(name) else "",
        public=name in state.public,
        definition=body.definition,
    )
