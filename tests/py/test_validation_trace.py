"""What the trace measures: locks, scans, rewrites, drops and losses of statements on seeded data."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from servers import Server

from controlplane.validation import capture, sandbox, snapshot
from controlplane.validation.capture import Recorder
from controlplane.validation.policy import Policy
from controlplane.validation.sandbox import Sandbox, Scratch
from controlplane.validation.trace import WORDS, Effect, Trace, Traced

pytestmark = pytest.mark.servers("local")
BASE = Path(__file__).parents[1] / "migration_cases" / "given" / "base.sql"
Trial = Callable[[str], list[Traced]]
TOUCHES = "attr.touchpoints"
# A statement; the lock that it takes on a table; whether it scans, rewrites; the rows that are lost.
MEASURES = [
    (f"ALTER TABLE {TOUCHES} ADD COLUMN x int", TOUCHES, "ACCESS EXCLUSIVE", False, False, 0),
    (f"ALTER TABLE {TOUCHES} ALTER n SET NOT NULL", TOUCHES, "ACCESS EXCLUSIVE", True, False, 0),
    (f"ALTER TABLE {TOUCHES} ALTER n TYPE bigint", TOUCHES, "ACCESS EXCLUSIVE", True, True, 0),
    (f"ALTER TABLE {TOUCHES} ADD x int DEFAULT attr.vol()", TOUCHES, "ACCESS EXCLUSIVE", True, True, 0),
    (f"CREATE INDEX ON {TOUCHES} (email)", TOUCHES, "SHARE", True, False, 0),
    (f"CREATE INDEX CONCURRENTLY ON {TOUCHES} (email)", TOUCHES, "SHARE UPDATE EXCLUSIVE", True, False, 0),
    (f"CLUSTER {TOUCHES} USING touchpoints_pkey", TOUCHES, "ACCESS EXCLUSIVE", None, True, 0),
    (f"VACUUM FULL {TOUCHES}", TOUCHES, "ACCESS EXCLUSIVE", None, True, 0),
    ("REFRESH MATERIALIZED VIEW attr.mv_channels", "attr.mv_channels", "ACCESS EXCLUSIVE", None, True, 0),
    ("TRUNCATE attr.lookup", "attr.lookup", "ACCESS EXCLUSIVE", None, False, 50),
    ("DROP TABLE attr.lookup", "attr.lookup", "ACCESS EXCLUSIVE", False, False, 50),
    ("DELETE FROM attr.lookup WHERE k < 'k2'", "attr.lookup", "ROW EXCLUSIVE", False, False, 11),
    ("SELECT attr.purge_everything()", "attr.lookup", "ACCESS EXCLUSIVE", False, False, 50),
    ("UPDATE attr.lookup SET v = 'w' WHERE v = 'v'", "attr.lookup", "ROW EXCLUSIVE", True, False, 0),
]  # fmt: skip


@pytest.fixture(scope="module")
def base(server: Server) -> Iterator[tuple[Sandbox, Scratch]]:
    """A sandbox with the schema and rows of base.sql."""
    with sandbox.opened(server.admin_url) as box:
        scratch = box.create()
        recorder = Recorder(sent=box.sent)
        with capture.connected(scratch.url, recorder, 60) as connection:
            capture.run_file(BASE, connection, recorder)
        yield box, scratch


@pytest.fixture
def trial(base: tuple[Sandbox, Scratch], tmp_path: Path) -> Iterator[Trial]:
    """Trace an .sql file's text on a copy of the base."""
    box, template = base
    copies: list[Scratch] = []

    def run(text: str) -> list[Traced]:
        with template.connect() as connection:
            catalog = snapshot.read(connection, Policy())
        copies.append(box.clone(template))
        trace = Trace(copies[-1], catalog)
        file = tmp_path / "a.sql"
        file.write_text(text)
        with capture.connected(copies[-1].url, Recorder(trace), 60) as connection:
            capture.run_file(file, connection, connection.recorder)
        trace.close()
        return trace.done

    yield run
    for copy in copies:
        box.drop(copy)


def effect(traced: Traced, name: str) -> Effect:
    (found,) = [one for one in traced.effects if one.name == name]
    return found


@pytest.mark.parametrize(("statement", "name", "lock", "scans", "rewrites", "lost"), MEASURES)
def test_measures(
    trial: Trial, statement: str, name: str, lock: str, scans: bool | None, rewrites: bool, lost: int
) -> None:
    (traced,) = trial(f"{statement};")
    found = effect(traced, name)
    assert (WORDS[found.lock], found.rewritten, found.lost) == (lock, rewrites, lost)
    assert scans is None or bool(found.scans) is scans
    assert traced.lock_ms is not None and traced.lock_ms >= 0


def test_a_lock_lasts_until_the_transaction_ends(trial: Trial) -> None:
    first, second = trial(
        "ALTER TABLE attr.lookup ADD x int; SELECT pg_sleep(0.2) FROM attr.tenants LIMIT 1;"
    )
    assert first.lock_ms is not None and second.lock_ms is not None
    assert first.lock_ms >= second.lock_ms >= 200
    assert first.transaction == second.transaction


def test_work_under_a_lock_of_an_earlier_statement(trial: Trial) -> None:
    _, second = trial(f"ALTER TABLE {TOUCHES} ADD z int; UPDATE {TOUCHES} SET z = n WHERE n > 0;")
    found = effect(second, TOUCHES)
    assert (WORDS[found.lock], found.taken, found.updated, found.works) == ("ACCESS EXCLUSIVE", 0, 2000, True)


def test_a_commit_ends_it(trial: Trial) -> None:
    _, second = trial(
        f"BEGIN; ALTER TABLE {TOUCHES} ADD z int; COMMIT; UPDATE {TOUCHES} SET z = 1 WHERE id = 1;"
    )
    found = effect(second, TOUCHES)
    assert (WORDS[found.lock], found.works) == ("ROW EXCLUSIVE", False)


def test_what_is_born_here_did_not_exist(trial: Trial) -> None:
    traced = trial("CREATE TABLE attr.x (i int); INSERT INTO attr.x VALUES (1); DROP TABLE attr.x;")
    assert not any(effect(one, "attr.x").existed for one in traced if one.effects)
    assert not any(one.lost for traced_one in traced for one in traced_one.effects)


def test_drops_by_cascade_are_seen(trial: Trial) -> None:
    (traced,) = trial("DROP FUNCTION attr.forbid_mutation() CASCADE;")
    dropped = {(item.type, item.identity, item.original) for item in traced.dropped}
    assert ("trigger", "ledger_append_only on attr.ledger", False) in dropped
    assert ("function", "attr.forbid_mutation()", True) in dropped


def test_drops_are_seen_with_triggers_switched_off(trial: Trial) -> None:
    _, traced = trial("SET session_replication_role = replica; DROP VIEW attr.v_channels;")
    assert ("view", "attr.v_channels") in {(item.type, item.identity) for item in traced.dropped}


def test_the_lock_timeout_that_held_is_known(trial: Trial) -> None:
    texts = (
        "ALTER TABLE attr.lookup ADD x int; SET LOCAL lock_timeout = '3s'; ALTER TABLE attr.lookup ADD y int;"
    )
    assert [one.lock_timeout for one in trial(texts)] == ["0", "3s", "3s"]
