"""ATTACKS.md 34: a superuser tampers with the ledger behind the guards; each case is found and named.

Each tampers inside a transaction that is rolled back, asserts what verify_ledger() and verify() name, and
then takes that check away and asserts that it is named no more.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import attacks
import pytest
from attacks import World
from engine import Connection, at, new_tenant, one, purchase, rows, send, touch, uid, use
from psycopg.types.json import Jsonb
from servers import Database

Found = set[tuple[str, str]]


@pytest.fixture
def world(db: Database, login: attacks.Login) -> Iterator[World]:
    with db.connect(autocommit=True) as admin:
        yield World(db, admin, login, "", "")


@dataclass(frozen=True)
class Tamper:
    """What a superuser does, what verify_ledger() must name, and the check without which it would not.

    `{line}`, `{batch}` and `{seq}` are a line, its batch and its seal; `{other}` is a line of another batch,
    `{last}` the newest seal.
    """

    name: str
    statement: str
    found: Found
    check: str
    broken: str = "false"
    sealed_only: bool = False


REHASH = """
    UPDATE attribution.ledger_batches AS b
    SET line_hashes = l.hashes
    FROM (
        SELECT i.batch_id, array_agg(attribution.ledger_line_hash(i) ORDER BY i.id) AS hashes
        FROM attribution.revenue_ledger AS i
        GROUP BY i.batch_id
    ) AS l
    WHERE l.batch_id = b.id;
    UPDATE attribution.ledger_batches AS b SET entries_hash = attribution.batch_hash(b);
    """
RECHAIN = """
    WITH RECURSIVE chain AS (
        SELECT 0::bigint AS seq, z.zero AS prev_hash, z.zero AS chain_hash
        FROM (SELECT decode(repeat('00', 32), 'hex') AS zero) AS z
        UNION ALL
        SELECT s.seq, c.chain_hash,
            attribution.seal_hash(s.tenant_id, s.seq, s.batch_id, b.entries_hash, c.chain_hash, s.sealed_at)
        FROM chain AS c
        JOIN attribution.ledger_seals AS s ON s.seq = c.seq + 1
        JOIN attribution.ledger_batches AS b ON b.id = s.batch_id
    )
    UPDATE attribution.ledger_seals AS s
    SET batch_hash = b.entries_hash, prev_hash = c.prev_hash, chain_hash = c.chain_hash
    FROM chain AS c, attribution.ledger_batches AS b
    WHERE c.seq = s.seq AND b.id = s.batch_id;
    """
REMOVE_BATCH = """
    DELETE FROM attribution.revenue_ledger WHERE batch_id = '{batch}';
    DELETE FROM attribution.ledger_batches WHERE id = '{batch}';
    """
ONE_CENT_MORE = """
    UPDATE attribution.revenue_ledger
    SET amount_cents = amount_cents + 1, amount_usd_cents = amount_usd_cents + 1
    WHERE id = '{line}';
    """
POSTED_EARLIER = (
    "UPDATE attribution.revenue_ledger SET posted_at = posted_at - interval '1 day' WHERE id = '{line}';"
)
LINES = "l.id IS NULL OR x.line_id IS NULL OR attribution.ledger_line_hash(l.line) <> x.hash"
SUMS = "coalesce(l.cents, 0) <> coalesce(s.captured, 0) - coalesce(s.taken_back, 0)"
SEALED = "b.entries_hash IS DISTINCT FROM s.batch_hash"
TAMPERS = (
    Tamper(
        "an amount is changed",
        ONE_CENT_MORE,
        {("line_altered", "line {line}"), ("ledger_drift", "transaction {sale}")},
        LINES,
    ),
    Tamper("a time is changed", POSTED_EARLIER, {("line_altered", "line {line}")}, LINES),
    Tamper(
        "two lines change places",
        "UPDATE attribution.revenue_ledger"
        " SET batch_id = CASE id WHEN '{line}' THEN '{other_batch}' ELSE '{batch}' END::uuid"
        " WHERE id IN ('{line}', '{other}')",
        {("line_removed", "line {line}"), ("line_removed", "line {other}"),
         ("line_inserted", "line {line}"), ("line_inserted", "line {other}")},
        LINES,
    ),
    Tamper(
        "a line is deleted",
        "DELETE FROM attribution.revenue_ledger WHERE id = '{line}'",
        {("line_removed", "line {line}"), ("ledger_drift", "transaction {sale}")},
        LINES,
    ),
    Tamper(
        "a line is inserted",
        "INSERT INTO attribution.revenue_ledger SELECT (jsonb_populate_record(l, jsonb_build_object("
        "'id', '{new}', 'revision', 1))).* FROM attribution.revenue_ledger AS l WHERE id = '{line}'",
        {("line_inserted", "line {new}"), ("ledger_drift", "transaction {sale}")},
        LINES,
    ),
    Tamper(
        "a batch is deleted, and the lines stay",
        "DELETE FROM attribution.ledger_batches WHERE id = '{batch}'",
        {("orphan", "line {line}")},
        "WHERE NOT EXISTS (SELECT FROM attribution.ledger_batches AS b"
        " WHERE b.tenant_id = p_tenant AND b.id = l.batch_id)",
        "WHERE false",
    ),
    Tamper(
        "a batch is deleted with its lines", REMOVE_BATCH, {("ledger_drift", "transaction {sale}")}, SUMS
    ),
    Tamper(
        "a sealed batch is deleted with its lines",
        REMOVE_BATCH,
        {("batch_removed", "batch {batch}")},
        SEALED,
        sealed_only=True,
    ),
    Tamper(
        "two batches swap their times",
        "UPDATE attribution.ledger_batches AS b SET posted_at = o.posted_at"
        " FROM attribution.ledger_batches AS o"
        " WHERE (b.id, o.id) IN (('{batch}', '{other_batch}'), ('{other_batch}', '{batch}'))",
        {("batch_altered", "batch {batch}"), ("batch_altered", "batch {other_batch}")},
        "attribution.batch_hash(b) <> b.entries_hash",
    ),
    Tamper(
        "an amount is moved between lines and all hashes are made anew, but for the seals",
        ONE_CENT_MORE + REHASH,
        {("ledger_drift", "transaction {sale}")},
        SUMS,
    ),
    Tamper(
        "a time is changed and all hashes are made anew, but for the seals",
        POSTED_EARLIER + REHASH,
        {("batch_rewritten", "batch {batch}")},
        SEALED,
        sealed_only=True,
    ),
    Tamper(
        "two batches are swapped in the chain",
        "UPDATE attribution.ledger_seals AS s SET batch_id = o.batch_id, batch_hash = o.batch_hash"
        " FROM attribution.ledger_seals AS o WHERE (s.seq, o.seq) IN ((1, 2), (2, 1))",
        {("seal_altered", "seal 1"), ("seal_altered", "seal 2")},
        "(s.chain_hash <> attribution.seal_hash(",
        "(false AND s.chain_hash <> attribution.seal_hash(",
        sealed_only=True,
    ),
    Tamper(
        "two seals are re-ordered",
        "UPDATE attribution.ledger_seals SET seq = CASE seq WHEN 1 THEN 2 ELSE 1 END WHERE seq IN (1, 2)",
        {("chain_broken", "seal 1"), ("chain_broken", "seal 2"), ("chain_broken", "seal 3")},
        "s.prev_hash <> s.hash_before",
        sealed_only=True,
    ),
    Tamper(
        "a seal is deleted",
        "DELETE FROM attribution.ledger_seals WHERE seq = 2",
        {("seal_gap", "seal 3")},
        "s.seq <> s.seq_before + 1",
        sealed_only=True,
    ),
    Tamper(
        "a fact is changed",
        "UPDATE attribution.attribution_events SET conversion_value_cents = conversion_value_cents + 1"
        " WHERE transaction_id = '{sale}' AND event_kind = 'conversion'",
        {("ledger_drift", "transaction {sale}")},
        SUMS,
    ),
    Tamper(
        "a state is changed",
        "UPDATE attribution.revenue_state_transitions SET to_state = 'refunded'",
        {("state_drift", "transaction sale-2")},
        "WHERE r.to_state <> d.to_state",
        "WHERE false",
    ),
)  # fmt: skip
# What leaves the ledger in itself sound: only a hash that somebody else holds tells.
REWRITTEN = {
    "the whole chain is rewritten": POSTED_EARLIER + REHASH + RECHAIN,
    "the tail of the chain is deleted": "DELETE FROM attribution.ledger_seals WHERE seq = {last}",
    "the whole chain is deleted": "DELETE FROM attribution.ledger_seals",
}


@dataclass(frozen=True)
class Books:
    """A shop with sealed and unsealed batches: names of what is tampered with."""

    shop: str
    sealed: dict[str, Any]
    unsealed: dict[str, Any]
    anchor: str

    @staticmethod
    def of(admin: Connection) -> "Books":
        """Two sales, one refund, each a batch; sealed, then the same again, not sealed."""
        shop = new_tenant(admin)
        use(admin, shop)
        rates = Jsonb([{"currency": "EUR", "date": "2026-01-01", "rate": "1.0843"}])
        one(admin, "SELECT added FROM attribution.import_fx_rates(%s, 'test')", rates)
        chosen = []
        for first in (1, 11):
            session = first
            send(admin, *[touch(100 + first + n, at(hours=n), session, channel=c)
                          for n, c in enumerate(("email", "direct", "organic"))])  # fmt: skip
            send(admin, purchase(first, at(hours=3), 1001, session))
            send(admin, purchase(first + 1, at(hours=3), 500, session, currency="EUR"))
            send(admin, purchase(first + 2, at(hours=5), 100, session, event_type="refund", currency="EUR",
                                 transaction_id=f"sale-{first + 1}"))  # fmt: skip
            one(admin, "SELECT attribution.process_batch(%s)", shop)
            query = """
                SELECT DISTINCT ON (transaction_id) id::text, batch_id::text
                FROM attribution.revenue_ledger
                WHERE tenant_id = %s AND transaction_id = ANY (%s) AND entry_type = 'attribution'
                ORDER BY transaction_id, id
                """
            sales = [f"sale-{first}", f"sale-{first + 1}"]
            (line, batch), (other, other_batch) = rows(admin, query, shop, sales)
            chosen.append({"line": line, "batch": batch, "other": other, "other_batch": other_batch,
                           "sale": sales[0], "new": uid(999), "last": 3})  # fmt: skip
            if first == 1:
                assert one(admin, "SELECT attribution.seal_ledger(%s)", shop) == 3
        query = (
            "SELECT encode(chain_hash, 'hex') FROM attribution.ledger_seals WHERE tenant_id = %s AND seq = 3"
        )
        return Books(shop, chosen[0], chosen[1], one(admin, query, shop))


@contextmanager
def unguarded(admin: Connection) -> Iterator[None]:
    """With the triggers of facts and ledger disabled, guards and foreign keys; all is undone at the end."""
    tables = (
        "attribution_events",
        "ledger_batches",
        "revenue_ledger",
        "revenue_state_transitions",
        "ledger_seals",
    )
    with admin.transaction(force_rollback=True):
        for table in tables:
            admin.execute(f"ALTER TABLE attribution.{table} DISABLE TRIGGER ALL".encode())
        for constraint in ("ledger_seals_pkey", "ledger_seals_tenant_id_batch_id_key"):
            admin.execute(f"ALTER TABLE attribution.ledger_seals DROP CONSTRAINT {constraint}".encode())
        yield


def found(admin: Connection, shop: str, anchor: str | None = None) -> Found:
    query = "SELECT check_name, object FROM attribution.verify_ledger(%s, %s)"
    return {(row[0], row[1]) for row in rows(admin, query, shop, anchor)}


def test_34_each_tampering_is_found_and_named(world: World) -> None:
    books = Books.of(world.admin)
    assert found(world.admin, books.shop, books.anchor) == set()
    for tamper in TAMPERS:
        for names in [books.sealed] if tamper.sealed_only else [books.sealed, books.unsealed]:
            wanted = {(check, thing.format(**names)) for check, thing in tamper.found}
            statement = tamper.statement.format(**names)
            with unguarded(world.admin):
                world.do(statement)
                assert wanted <= found(world.admin, books.shop), tamper.name
                everything = rows(
                    world.admin, "SELECT check_name, object FROM attribution.verify(%s)", books.shop
                )
                assert wanted <= set(everything), tamper.name
            with unguarded(world.admin):  # the mutation check
                world.rewrite("ledger_breaches", tamper.check, tamper.broken)
                world.do(statement)
                assert not wanted <= found(world.admin, books.shop), tamper.name
    assert found(world.admin, books.shop, books.anchor) == set()


def test_34_a_chain_that_is_rewritten_as_a_whole_is_found_by_an_exported_hash(world: World) -> None:
    books = Books.of(world.admin)
    for name, statement in REWRITTEN.items():
        with unguarded(world.admin):
            world.do(statement.format(**books.sealed))
            assert found(world.admin, books.shop) == set(), name
            rewritten = {("chain_rewritten", f"seal {books.anchor}")}
            assert found(world.admin, books.shop, books.anchor) == rewritten, name
            query = (
                "SELECT check_name, object FROM attribution.verify(%s, %s) WHERE check_name LIKE 'chain%%'"
            )
            assert set(rows(world.admin, query, books.shop, books.anchor)) == rewritten, name
            world.rewrite("verify_ledger", "WHERE p_against IS NOT NULL AND", "WHERE false AND")
            assert found(world.admin, books.shop, books.anchor) == set(), name
