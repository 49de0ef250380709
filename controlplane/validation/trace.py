"""What statements really do: each runs on seeded data while locks, rewrites, scans and losses are read.

A statement inside a transaction is looked at from its own session, before that commits. One that can't run in
a transaction is watched from a second connection while it runs.
"""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus
from psycopg.rows import tuple_row

from controlplane.db import queries
from controlplane.validation import parse
from controlplane.validation.catalog import Catalog
from controlplane.validation.model import CapturedStatement, Impact
from controlplane.validation.sandbox import Scratch

MODES = (
    "", "AccessShareLock", "RowShareLock", "RowExclusiveLock", "ShareUpdateExclusiveLock", "ShareLock",
    "ShareRowExclusiveLock", "ExclusiveLock", "AccessExclusiveLock",
)  # fmt: skip
WORDS = (
    "", "ACCESS SHARE", "ROW SHARE", "ROW EXCLUSIVE", "SHARE UPDATE EXCLUSIVE", "SHARE",
    "SHARE ROW EXCLUSIVE", "EXCLUSIVE", "ACCESS EXCLUSIVE",
)  # fmt: skip
SHARE_UPDATE_EXCLUSIVE, SHARE, SHARE_ROW_EXCLUSIVE, EXCLUSIVE, ACCESS_EXCLUSIVE = range(4, 9)
POLL = 0.001  # seconds between two looks at the locks of a statement that runs outside a transaction
COUNTERS = ("scans", "scanned", "inserted", "updated", "deleted")


@dataclass(frozen=True)
class Effect:
    """What one statement did to one relation.

    `name` is the one it had before the unit; `existed` whether it was there then, with `rows` rows. `lock` is
    the strongest mode that the transaction holds afterwards, `taken` the strongest that this statement added
    (numbers as in MODES). `scans` counts whole-table scans, `scanned`, `inserted`, `updated`, `deleted` rows.
    """

    oid: int
    name: str
    kind: str
    existed: bool
    rows: int
    lock: int = 0
    taken: int = 0
    scans: int = 0
    scanned: int = 0
    inserted: int = 0
    updated: int = 0
    deleted: int = 0
    refiled: bool = False
    rewritten: bool = False
    emptied: bool = False
    lost: int = 0

    @property
    def blocks(self) -> bool:
        """Whether an app waits for this statement: it locks a table that was there, with rows in it."""
        return self.existed and self.rows > 0 and self.kind in "rpm" and self.lock >= SHARE

    @property
    def works(self) -> bool:
        """Whether it did work that grows with the table."""
        changed = self.inserted + self.updated + self.deleted
        return bool(self.scans or self.refiled or self.rewritten or (self.rows and 2 * changed >= self.rows))


@dataclass(frozen=True)
class Dropped:
    """An object that a statement dropped: `type` such as "table", its identity, whether it was named."""

    type: str
    identity: str
    original: bool
    oid: int


@dataclass(frozen=True)
class Traced:
    """One statement that ran: what it did, or the error that it ended in; `transaction` numbers it."""

    statement: CapturedStatement
    transaction: int
    effects: tuple[Effect, ...] = ()
    dropped: tuple[Dropped, ...] = ()
    error: psycopg.Error | None = None
    lock_timeout: str = ""
    started: float = 0.0
    lock_ms: float | None = None

    def impacts(self) -> list[Impact]:
        """The effects on what was there before that a person should know of."""
        return [
            Impact(
                effect.name, WORDS[effect.lock], self.statement.location, self.lock_ms, effect.scanned,
                effect.rewritten, effect.lost, self.statement.sql,
            )
            for effect in self.effects
            if effect.existed and effect.kind in "rpm"
            and (
                effect.taken >= SHARE_UPDATE_EXCLUSIVE or effect.lost or effect.rewritten
                or (effect.lock >= SHARE and effect.works)
            )
        ]  # fmt: skip


@dataclass
class _State:
    """What was last seen of a relation in the open transaction."""

    lock: int = 0
    filenode: int | None = None
    counters: tuple[int, ...] = (0,) * len(COUNTERS)


@dataclass
class Trace:
    """Traces the statements of one unit: `run(connection, statement, execute)` for each, in their order."""

    scratch: Scratch
    catalog: Catalog
    earlier: "Trace | None" = None
    """The trace of the way up, for that of the way back: what the unit made itself is still its own."""
    done: list[Traced] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._watcher = self.scratch.connect()
        rows = self._watcher.execute(queries()["traced_relations"]).fetchall()
        self._known = {oid: (name, kind) for oid, name, kind, _, _ in rows}
        self._filenodes = {oid: filenode for oid, _, _, filenode, _ in rows}
        self._transaction, self._states, self._notes = 0, dict[int, _State](), (0, 0)
        self._notes = self._latest_notes()
        if self.earlier:
            self._known = self.earlier._known
            self._transaction = self.earlier._transaction + 1

    def close(self) -> None:
        """Give up the second connection."""
        self._watcher.close()

    def run(
        self,
        connection: psycopg.Connection[Any],
        statement: CapturedStatement,
        execute: Callable[[], Any],
        *,
        alone: bool = False,
    ) -> Any:
        """Run one statement (`execute`) and note what it did. Raises what it raises, after noting that.

        `alone`: it can't run in a transaction block, and none is open.
        """
        started = time.monotonic()
        try:
            if alone:
                effects, result = self._watch(connection, execute, _documented(statement.sql))
            else:
                result, effects = execute(), []
        except psycopg.Error as error:
            self.done.append(Traced(statement, self._transaction, error=error, started=started))
            raise
        open_status = connection.info.transaction_status
        if open_status == TransactionStatus.INTRANS:
            effects = self._look(connection)
        if alone or open_status == TransactionStatus.INTRANS:
            timeout = _one(connection, "SELECT pg_catalog.current_setting('lock_timeout')")
            dropped, rewritten = self._read_notes(connection)
            effects = self._settled(effects, dropped, rewritten)
            self.done.append(
                Traced(statement, self._transaction, tuple(effects), tuple(dropped),
                       lock_timeout=timeout, started=started)
            )  # fmt: skip
        if alone:
            self.finished()
        return result

    def finished(self) -> None:
        """The transaction ended: its locks are gone, and how long they were held is known."""
        now = time.monotonic()
        self.done = [
            replace(traced, lock_ms=1000 * (now - traced.started))
            if traced.transaction == self._transaction and traced.lock_ms is None
            else traced
            for traced in self.done
        ]
        self._filenodes |= {oid: state.filenode for oid, state in self._states.items() if state.filenode}
        self._transaction, self._states = self._transaction + 1, {}

    def _look(self, connection: psycopg.Connection[Any]) -> list[Effect]:
        # Counters of the transaction before would be counted again, were they not handed in at its end.
        _one(connection, "SELECT pg_catalog.pg_stat_force_next_flush()")
        effects = []
        rows = _rows(connection, queries()["traced_locks"])
        for oid, modes, name, kind, filenode, empty, *counters in rows:
            if name is None and oid not in self._known:
                continue  # made and dropped by one statement
            before = self._states.setdefault(oid, _State(filenode=self._filenodes.get(oid)))
            after = _State(
                max(MODES.index(mode) for mode in modes),
                filenode,
                tuple(int(count or 0) for count in counters),
            )
            taken = after.lock if after.lock > before.lock else 0
            added = [new - old for new, old in zip(after.counters, before.counters, strict=True)]
            refiled = filenode is not None and before.filenode not in (None, filenode)
            if taken or any(added) or refiled:
                effect = self._effect(oid, name, kind, after.lock, taken, added, refiled)
                effects.append(replace(effect, emptied=refiled and bool(empty)))
            self._states[oid] = after
        return effects

    def _effect(
        self,
        oid: int,
        name: str | None,
        kind: str | None,
        lock: int,
        taken: int,
        added: list[int],
        refiled: bool,
    ) -> Effect:
        old_name, old_kind = self._known.get(oid, (name or f"relation {oid}", kind or "r"))
        relation = self.catalog.relations.get(old_name) if oid in self._known else None
        scans, scanned, inserted, updated, deleted = (max(count, 0) for count in added)
        return Effect(
            oid, old_name, old_kind, oid in self._known, relation.rows if relation else 0, lock, taken,
            scans, scanned, inserted, updated, deleted, refiled,
        )  # fmt: skip

    def _settled(self, effects: list[Effect], dropped: list[Dropped], rewritten: set[int]) -> list[Effect]:
        """With the rows that each lost: deleted, truncated (a new file, and no rewrite) or dropped."""
        gone = {item.oid for item in dropped if item.type == "table"}
        settled = []
        for effect in effects:
            lost = effect.deleted if effect.kind in "rp" else 0
            if effect.kind == "r" and effect.existed and (effect.oid in gone or effect.emptied):
                lost = effect.rows
            # CLUSTER and VACUUM FULL write a new file without telling event triggers; so does TRUNCATE.
            new_file = effect.oid in rewritten or (effect.refiled and not effect.emptied)
            settled.append(replace(effect, rewritten=new_file and effect.kind in "rm", lost=lost))
        return settled

    def _watch(
        self, connection: psycopg.Connection[Any], execute: Callable[[], Any], least: int
    ) -> tuple[list[Effect], Any]:
        """Run a statement while a second connection looks at its locks again and again.

        `least` is the lock that it takes on what it works on, for one that was over before it was seen.
        """
        before, seen = self._counters(connection), dict[int, int]()
        pid, looking, stop = connection.info.backend_pid, threading.Event(), threading.Event()

        def look() -> None:
            while not stop.is_set():
                for oid, mode in self._watcher.execute(queries()["watched_locks"], [pid]):
                    seen[oid] = max(seen.get(oid, 0), MODES.index(mode))
                looking.set()
                time.sleep(POLL)

        thread = threading.Thread(target=look, daemon=True)
        thread.start()
        looking.wait(timeout=10)
        try:
            result = execute()
        finally:
            stop.set()
            thread.join(timeout=10)
        after = self._counters(connection)
        now = {row[0]: row for row in self._watcher.execute(queries()["traced_relations"])}
        effects = []
        for oid in sorted((seen.keys() & self._known.keys()) | now.keys()):
            _, name, kind, filenode, _ = now.get(oid, (oid, None, None, None, None))
            old = self._filenodes.get(oid)
            refiled = filenode is not None and old not in (None, filenode)
            zero = (0,) * len(COUNTERS)
            added = [new - old for new, old in zip(after.get(oid, zero), before.get(oid, zero), strict=True)]
            if seen.get(oid) or refiled or any(added):
                lock = max(seen.get(oid, 0), least if kind in ("r", "p", "m") else 0)
                effects.append(self._effect(oid, name, kind, lock, lock, added, refiled))
        self._filenodes |= {oid: row[3] for oid, row in now.items()}
        return effects, result

    def _counters(self, connection: psycopg.Connection[Any]) -> Mapping[int, tuple[int, ...]]:
        _one(connection, "SELECT pg_catalog.pg_stat_force_next_flush()")
        rows = self._watcher.execute(queries()["watched_counters"])
        return {oid: tuple(int(count or 0) for count in counts) for oid, *counts in rows}

    def _read_notes(self, connection: psycopg.Connection[Any]) -> tuple[list[Dropped], set[int]]:
        dropped, rewritten = [], set()
        drops, rewrites = self._notes
        for what, number, type_, identity, oid, original, temporary in _rows(
            connection, queries()["trace_notes"], self._notes
        ):
            if what == "rewrite":
                rewritten.add(oid)
                rewrites = number
            else:
                drops = number
                if not temporary:
                    dropped.append(Dropped(type_, identity, original, oid))
        self._notes = (drops, rewrites)
        return dropped, rewritten

    def _latest_notes(self) -> tuple[int, int]:
        rows = self._watcher.execute(queries()["trace_notes"], self._notes).fetchall()
        return tuple(
            max((row[1] for row in rows if row[0] == what), default=0) for what in ("drop", "rewrite")
        )  # type: ignore[return-value]


def _rows(connection: psycopg.Connection[Any], query: str, parameters: Any = None) -> list[tuple[Any, ...]]:
    """Ask on the migration's own connection, past the cursor that captures."""
    with psycopg.Cursor(connection, row_factory=tuple_row) as cursor:
        return cursor.execute(query.encode(), parameters, prepare=False).fetchall()


def _documented(sql: str) -> int:
    """The lock that the manual names for a statement that can't run in a transaction; 0: another kind."""
    for piece in parse.pieces(sql):
        match piece.kind:
            case "vacuum_stmt":
                options = {option.defname for _, option in map(parse.unwrap, piece.node.options)}
                return ACCESS_EXCLUSIVE if "full" in options else SHARE_UPDATE_EXCLUSIVE
            case "cluster_stmt":
                return ACCESS_EXCLUSIVE
            case "index_stmt" | "reindex_stmt":
                return SHARE_UPDATE_EXCLUSIVE
    return 0


def _one(connection: psycopg.Connection[Any], query: str) -> str:
    return str(_rows(connection, query)[0][0])
