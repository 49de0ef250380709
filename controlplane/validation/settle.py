"""Suspicions meet measurements: what the trace confirms is measured, what it disproves is dropped.

A trace also sees what no reading can: dynamic SQL, existing functions, cascades.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from controlplane.validation import parse
from controlplane.validation.catalog import Catalog
from controlplane.validation.model import CapturedStatement, Evidence, Finding, Severity
from controlplane.validation.rules import RULES, finding
from controlplane.validation.trace import ACCESS_EXCLUSIVE, SHARE, WORDS, Effect, Traced

# Suspicions of a scan, a rewrite or a wait: one of them on a statement covers what the trace saw of its kind.
WORK = {"LK001", "LK002", "LK003", "LK004", "LK005", "LK006", "LK007", "LK011", "LK012", "LK013", "LK015"}
# What may turn out not to be needed: a proof was there, a type was compatible. Validating a key is always
# work, even where an index makes it look like none on few rows.
CLEARABLE = {"LK001", "LK002", "LK007", "LK011", "CP004"}
LOSSES = {"DL001", "DL006", "DL007", "DL011"}
# What runs other code: what it does is not what it says.
INDIRECT = {"do_stmt", "select_stmt", "call_stmt", "execute_stmt", "create_function_stmt"}
DROPS = {
    "table column": "DL002", "schema": "DL003", "type": "DL004", "materialized view": "DL010",
    "sequence": "DL010", "view": "CP005", "function": "CP005", "procedure": "CP005",
}  # fmt: skip
FAILURES = {"55P04": "CP004", "25001": "LK019"}
DEFINITIVE = {"vacuum_stmt": "LK012", "cluster_stmt": "LK012", "refresh_mat_view_stmt": "LK013"}
SCANS = {"index_stmt": "LK003", "reindex_stmt": "LK015", "refresh_mat_view_stmt": "LK013"}


def settle(
    suspicions: Iterable[Finding], traced: Sequence[Traced], catalog: Catalog, after: Catalog | None
) -> list[Finding]:
    """The findings of one unit: suspicions confirmed, kept or dropped, and what only the trace saw.

    `catalog` is the database before the unit, `after` that after its upgrade (None: not known).
    """
    by_statement: dict[int, list[Finding]] = {}
    left: list[Finding] = []
    places = {_key(one.statement): number for number, one in enumerate(traced)}
    for suspicion in suspicions:
        number = places.get((suspicion.statement, suspicion.direction, suspicion.revision))
        left.append(suspicion) if number is None else by_statement.setdefault(number, []).append(suspicion)
    settled = list(left)
    for number, one in enumerate(traced):
        seen = list(measured(one, traced[:number], catalog))
        seen = [found for found in seen if not _made_again(found, after)]
        settled += _joined(by_statement.get(number, []), seen, one, catalog)
    return settled


def confirmed(findings: Sequence[Finding], others: Iterable[Finding]) -> list[Finding]:
    """The findings with those of other stages: what both say is said once, as measured."""
    said = {(one.rule, one.object): number for number, one in enumerate(findings)}
    together = list(findings)
    for other in others:
        number = said.get((other.rule, other.object))
        if number is None:
            together.append(other)
        else:
            together[number] = replace(together[number], evidence=Evidence.MEASURED)
    return together


def measured(one: Traced, before: Sequence[Traced], catalog: Catalog) -> Iterator[Finding]:
    """What the trace of one statement shows by itself; `before` are the unit's statements before it."""
    statement, kind = one.statement, _kind(one.statement)
    if one.error is not None:
        rule = FAILURES.get(one.error.sqlstate or "", "CP013")
        message = one.error.diag.message_primary or str(one.error)
        yield _measured(rule, _subject(one), f"it fails: {message} ({one.error.sqlstate})", statement)
        return
    yield from _drops(one, catalog)
    yield from _losses(one, kind)
    held = _held(one, before)
    for effect in one.effects:
        if _only_refresh_waits(effect):
            continue
        own = effect.blocks and effect.taken >= SHARE and not effect.emptied and effect.oid not in _gone(one)
        if own and effect.rewritten:
            rule = DEFINITIVE.get(kind, "LK001")
            yield _measured(rule, effect.name, f"rewrites {effect.name} {_under(effect)}", statement)
        elif own and effect.scans:
            rule = _scan_rule(kind, statement)
            message = f"scans {effect.name} ({effect.scanned} rows) {_under(effect)}"
            yield _measured(rule, effect.name, message, statement)
        elif held and effect.existed and effect.works and effect.kind in "rpm" and effect.rows:
            others = ", ".join(sorted(held))
            rule = "LK006" if "VALIDATE" in statement.sql.upper() else "LK011"
            message = f"works on {effect.name} while {others} is locked by an earlier statement"
            yield _measured(rule, effect.name, message, statement)


def _joined(
    suspicions: list[Finding], seen: list[Finding], one: Traced, catalog: Catalog
) -> Iterator[Finding]:
    covered: set[int] = set()
    for suspicion in suspicions:
        twins = [number for number, found in enumerate(seen) if _same(suspicion, found)]
        if twins and parse.UNKNOWN in suspicion.object:
            covered.update(twins)  # the run knows the name
            yield from (replace(seen[twin], location=suspicion.location) for twin in twins)
        elif twins or _was_seen(suspicion, one):
            covered.update(twins)
            yield replace(suspicion, evidence=Evidence.MEASURED)
        elif not _disproved(suspicion, one, catalog):
            yield suspicion
    yield from (found for number, found in enumerate(seen) if number not in covered)


def _was_seen(suspicion: Finding, one: Traced) -> bool:
    """Whether rows were deleted or overwritten, as suspected: how many depends on the data."""
    return any(
        _related(suspicion.object, effect.name)
        and (effect.lost if suspicion.rule == "DL007" else effect.updated if suspicion.rule == "DL008" else 0)
        for effect in one.effects
    )


def _made_again(found: Finding, after: Catalog | None) -> bool:
    """Whether what was dropped, and holds no rows of its own, is there again at the end."""
    if after is None or found.rule != "CP005" or found.direction == "downgrade":
        return False
    return after.relation(found.object) is not None or bool(after.functions_named(found.object))


def _same(suspicion: Finding, found: Finding) -> bool:
    if suspicion.rule == found.rule and _related(suspicion.object, found.object):
        return True
    for family in (WORK, LOSSES):
        if suspicion.rule in family and found.rule in family and _related(suspicion.object, found.object):
            return True
    return found.rule in FAILURES.values() and suspicion.rule == found.rule


def _related(one: str, other: str) -> bool:
    """Whether one of two names is the other or a part of it; what is only known at run time fits any."""
    if parse.UNKNOWN in one:
        return True
    return one == other or one.startswith(f"{other}.") or other.startswith(f"{one}.") or not one or not other


def _disproved(suspicion: Finding, one: Traced, catalog: Catalog) -> bool:
    """Whether the statement ran, on rows, and did not do what it is suspected of."""
    if suspicion.rule == "LK009":  # whoever connected may have set it
        return one.lock_timeout not in ("", "0")
    if suspicion.rule not in CLEARABLE or not RULES[suspicion.rule].measurable or one.error is not None:
        return False
    if _kind(one.statement) in INDIRECT:
        return False  # another branch may do it on other data
    if suspicion.rule == "CP004":
        return True
    if suspicion.rule == "LK011":  # its object is what is locked, not what is worked on
        return not any(effect.existed and (effect.works or effect.scans) for effect in one.effects)
    relation = catalog.relation(suspicion.object) or catalog.relation(suspicion.object.rpartition(".")[0])
    if relation is not None and relation.kind in "iI":
        relation = catalog.relation(relation.table)
    return relation is not None and relation.rows > 0


def _drops(one: Traced, catalog: Catalog) -> Iterator[Finding]:
    names = {item.identity for item in one.dropped if item.type == "table"}
    existing = {effect.oid: effect for effect in one.effects if effect.existed}
    for item in one.dropped:
        identity = item.identity.replace('"', "")
        if item.type == "table" and item.oid in existing:
            rows = existing[item.oid].rows
            yield _measured("DL001", identity, f"drops {identity} with {rows} rows", one.statement)
        elif item.type in DROPS and _existed(item.type, identity, catalog) and item.identity not in names:
            how = "drops" if item.original else "drops, by cascade,"
            name = identity.partition("(")[0]
            yield _measured(DROPS[item.type], name, f"{how} {item.type} {identity}", one.statement)


def _existed(type_: str, identity: str, catalog: Catalog) -> bool:
    if type_ == "schema":
        return identity in catalog.schemas
    if type_ in ("function", "procedure"):
        return bool(catalog.functions_named(identity.partition("(")[0]))
    if type_ == "type":
        return identity in catalog.enums
    if type_ == "table column":
        relation = catalog.relation(identity.rpartition(".")[0])
        return relation is not None and identity.rpartition(".")[2] in relation.columns
    return catalog.relation(identity) is not None


def _losses(one: Traced, kind: str) -> Iterator[Finding]:
    gone = _gone(one)
    for effect in one.effects:
        if not effect.existed or not effect.rows or effect.oid in gone:
            continue
        if effect.emptied:
            message = f"empties {effect.name} of {effect.rows} rows"
            yield _measured("DL006", effect.name, message, one.statement)
        elif 2 * effect.lost > effect.rows > 1:
            message = f"deletes {effect.lost} of {effect.rows} rows of {effect.name}"
            yield _measured("DL011", effect.name, message, one.statement)
        elif effect.lost and (kind in INDIRECT or _is_cascade(one, effect)):
            message = f"deletes {effect.lost} of {effect.rows} rows of {effect.name}, which it does not name"
            severity = Severity.ERROR if 2 * effect.lost >= effect.rows else Severity.WARN
            yield replace(_measured("DL011", effect.name, message, one.statement), severity=severity)
        elif effect.updated >= effect.rows > 1 and kind in INDIRECT and not _commits_itself(one):
            message = f"overwrites all {effect.rows} rows of {effect.name}"
            yield _measured("DL011", effect.name, message, one.statement)


def _commits_itself(one: Traced) -> bool:
    """Whether it is a block that works in batches, each in a transaction of its own."""
    return not one.statement.in_transaction and "COMMIT" in one.statement.sql.upper()


def _is_cascade(one: Traced, effect: Effect) -> bool:
    return effect.name.rpartition(".")[2] not in one.statement.sql


def _gone(one: Traced) -> set[int]:
    return {item.oid for item in one.dropped}


def _held(one: Traced, before: Sequence[Traced]) -> set[str]:
    """The tables that earlier statements of the same transaction keep an app out of."""
    return {
        effect.name
        for earlier in before
        if earlier.transaction == one.transaction
        for effect in earlier.effects
        if effect.blocks and effect.taken >= SHARE and not _only_refresh_waits(effect)
    }


def _only_refresh_waits(effect: Effect) -> bool:
    """Readers of a materialized view go on, and nobody writes it but REFRESH."""
    return effect.kind == "m" and effect.lock < ACCESS_EXCLUSIVE


def _scan_rule(kind: str, statement: CapturedStatement) -> str:
    sql = statement.sql.upper()
    if kind == "alter_table_stmt":
        if "ATTACH PARTITION" in sql:
            return "LK007"
        if "UNIQUE" in sql or "PRIMARY KEY" in sql or "EXCLUDE" in sql:
            return "LK005"
        if "CHECK" in sql or "FOREIGN KEY" in sql or "REFERENCES" in sql:
            return "LK004"
    return SCANS.get(kind, "LK002")


def _under(effect: Effect) -> str:
    return f"under {WORDS[effect.lock]}"


def _subject(one: Traced) -> str:
    names = [effect.name for effect in one.effects if effect.kind in "rpvm"]
    return names[0] if names else ""


def _kind(statement: CapturedStatement) -> str:
    return parse.pieces(statement.sql)[0].kind


def _key(statement: CapturedStatement) -> tuple[str, str, str | None]:
    return statement.sql, statement.direction, statement.revision


def _measured(rule: str, name: str, message: str, statement: CapturedStatement) -> Finding:
    return finding(rule, name, message, statement, evidence=Evidence.MEASURED)
