"""ctl ingest: every format, wherever the import is killed, in constant memory."""

import gzip
import itertools
import json
import os
import random
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import engine
import pytest
from ctl import ROOT, Ctl, assert_error, create, runner
from engine import one, rows, uid, wait_until
from event_files import as_csv, counts, event, facts, ingest, ndjson, put, start
from servers import Database, Server

one_server = pytest.mark.servers("one")
MEMORY_KIB = 200 * 1024


@pytest.fixture
def ctl(monkeypatch: pytest.MonkeyPatch) -> Ctl:
    return runner(monkeypatch)


@pytest.fixture
def shop(ctl: Ctl, db: Database) -> str:
    return str(create(ctl, db.url)["tenant_id"])


# Formats


def test_every_format_gives_the_same_events(ctl: Ctl, db: Database, tmp_path: Path) -> None:
    events = [event(number) for number in range(40)]
    files = {
        "ndjson": put(tmp_path / "a.ndjson", ndjson(events)),
        "csv": put(tmp_path / "a.csv", as_csv(events)),
        "gzip": put(tmp_path / "a.jsonl.gz", gzip.compress(ndjson(events))),
        "gzip by its magic": put(tmp_path / "a.json", gzip.compress(ndjson(events))),
        "mixed line endings, BOM, no end": put(
            tmp_path / "b.ndjson",
            b"\xef\xbb\xbf" + b"".join(
                json.dumps(sent).encode() + ending
                for sent, ending in zip(events, itertools.cycle([b"\n", b"\r\n", b"\r", b"\n\n"]))
            ).rstrip(),
        ),
        "a CSV of Windows": put(tmp_path / "b.csv", b"\xef\xbb\xbf" + as_csv(events).replace(b"\n", b"\r\n")),
    }  # fmt: skip
    found = []
    for name, file in files.items():
        tenant = str(create(ctl, db.url, name)["tenant_id"])
        assert counts(ingest(ctl, db, file, tenant=name)) == (40, 0, 0), name
        assert counts(ingest(ctl, db, file, tenant=name)) == (0, 0, 0), f"{name}, once more"
        found.append(facts(db, tenant))
    assert len(found[0][0]) == 40
    assert found[0][1]
    assert all(each == found[0] for each in found)


def test_standard_input_goes_on_too(db: Database, shop: str) -> None:
    events = ndjson(event(number) for number in range(30))
    for data, accepted, resumed in ((events[: events.rindex(b"{")], 29, 0), (events, 1, 29), (events, 0, 30)):
        process = start(db, "-", "--tenant", shop, stdin=subprocess.PIPE)
        out, err = process.communicate(data, timeout=60)
        assert process.returncode == 0, err
        summary = json.loads(out)
        assert (summary["accepted"], summary["resumed_after_line"]) == (accepted, resumed)


@one_server
def test_mapped_columns(ctl: Ctl, db: Database, shop: str, tmp_path: Path) -> None:
    header = "Type,Visitor,Channel,Mail,Note,raw_payload"
    data = f'{header}\nclick,{uid(1)},email,a@b.example,"two\nlines, ""one"" text",\n'
    maps = [f"--map={pair}" for pair in ("Type=event_type", "Visitor=session_id", "Channel=channel", "Mail=-",
                                         "Note=raw_payload.note")]  # fmt: skip
    assert counts(ingest(ctl, db, put(tmp_path / "a.csv", data.encode()), *maps)) == (1, 0, 0)
    sent = {
        "Type": "click",
        "Visitor": uid(1),
        "Channel": "sms",
        "Mail": "a@b.example",
        "Note": "x",
        "more": 1,
    }
    assert counts(ingest(ctl, db, put(tmp_path / "a.ndjson", ndjson([sent])), *maps)) == (1, 0, 0)
    with db.connect() as conn:
        query = "SELECT channel, raw_payload FROM attribution.attribution_events ORDER BY channel"
        assert rows(conn, query) == [
            ("email", {"note": 'two\nlines, "one" text'}), ("sms", {"note": "x", "more": 1})
        ]  # fmt: skip


# Endings


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_kill_9_loses_and_doubles_nothing(ctl: Ctl, db: Database, tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    lines = 1500
    data = ndjson(event(n, **({"channel": "nowhere"} if n % 50 == 1 else {})) for n in range(lines))
    path = put(tmp_path / "a.ndjson", data.replace(b"\n", b"\nno JSON\n", 3))
    clean, killed = (str(create(ctl, db.url, name)["tenant_id"]) for name in ("Clean", "Killed"))
    whole = ingest(ctl, db, path, "--batch", "25", "--rejects", str(tmp_path / "clean"), tenant=clean)
    words = [path, "--batch", "25", "--rejects", str(tmp_path / "killed"), "--tenant", killed]
    query = "SELECT coalesce(max(lines), 0) FROM attribution.import_sources WHERE tenant_id = %s"
    others = (
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND application_name = 'ctl'"
    )
    with db.connect(autocommit=True) as conn:
        for point in sorted(chance.sample(range(1, lines - 300), 2)):
            process = start(db, *words)
            while one(conn, query, killed) < point:
                assert process.poll() is None, process.communicate()
            process.send_signal(signal.SIGKILL)
            process.communicate()
            assert process.returncode == -signal.SIGKILL
            wait_until(lambda: one(conn, others) == 0)
        assert 0 < one(conn, query, killed) < lines
    rest = ingest(ctl, db, path, *words[1:-2], tenant=killed)
    assert 0 < rest["resumed_after_line"] < lines
    assert facts(db, killed) == facts(db, clean)
    with db.connect() as conn:
        counted = "SELECT lines, accepted, duplicates, quarantined FROM attribution.import_sources"
        totals = f"{counted} WHERE tenant_id = %s"
        assert rows(conn, totals, killed) == rows(conn, totals, clean) == [(whole["lines"], *counts(whole))]
        dead = (
            "SELECT error_code, error_message FROM attribution.dead_events WHERE tenant_id = %s ORDER BY 1, 2"
        )
        assert rows(conn, dead, killed) == rows(conn, dead, clean)
    rejected = [
        [json.loads(text)["line"] for text in (tmp_path / name).read_text().splitlines()]
        for name in ("killed", "clean")
    ]
    assert rejected[0] == rejected[1]
    assert len(rejected[0]) == whole["quarantined"]


@pytest.mark.servers("one", "local")
def test_a_server_that_goes_away(own_server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    database, ctl = own_server.create("migrated"), runner(monkeypatch)
    cluster = own_server.cluster
    assert cluster is not None
    shop = str(create(ctl, database.url)["tenant_id"])
    path = put(tmp_path / "a.ndjson", ndjson(event(number) for number in range(3000)))
    process = start(database, path, "--batch", "10", "--tenant", shop)
    with database.connect(autocommit=True) as conn:
        wait_until(lambda: one(conn, "SELECT count(*) FROM attribution.import_sources WHERE lines > 100"))
    cluster.stop("immediate")
    out, _ = process.communicate(timeout=60)
    cluster.start()
    assert process.returncode == 3
    error = json.loads(out)["error"]
    assert error["message"].startswith("stopped after line ")
    assert "run again, goes on" in error["hint"]
    summary = ingest(ctl, database, path, tenant=shop)
    stopped = int(error["message"].split()[3].rstrip(":"))
    assert summary["resumed_after_line"] - stopped in (0, 10), "the last commit may have gone unheard"
    assert summary["accepted"] + summary["resumed_after_line"] == 3000
    assert len(facts(database, shop)[0]) == 3000


@one_server
def test_a_damaged_gzip(ctl: Ctl, db: Database, shop: str, tmp_path: Path) -> None:
    whole = gzip.compress(ndjson(event(number) for number in range(5000)))
    path = tmp_path / "a.ndjson.gz"
    result = ctl("ingest --batch 100 --tenant", db.url, shop, put(path, whole[: len(whole) // 2]))
    assert_error(result, 3, "stopped after line ", "a.ndjson.gz is damaged", "run again, goes on")
    summary = ingest(ctl, db, put(path, whole))
    assert summary["resumed_after_line"] > 0
    assert summary["resumed_after_line"] + summary["accepted"] == 5000
    small = put(tmp_path / "b.ndjson.gz", gzip.compress(ndjson([event(1)]))[:-9])
    assert_error(
        ctl("ingest --tenant", db.url, shop, small), 3, "b.ndjson.gz is damaged", "fetch the file again"
    )


@one_server
def test_a_gzip_damaged_in_its_first_block(ctl: Ctl, db: Database, shop: str, tmp_path: Path) -> None:
    path = put(tmp_path / "a.ndjson.gz", gzip.compress(ndjson([event(1)]))[:-9])
    result = ctl("ingest --tenant", db.url, shop, path)
    assert_error(result, 3, "a.ndjson.gz is damaged", "fetch the file again")


@one_server
def test_the_same_file_twice_at_once(db: Database, shop: str, tmp_path: Path) -> None:
    path = put(tmp_path / "a.ndjson", ndjson(event(number) for number in range(2000)))
    relation = "relation = 'attribution.import_sources'::regclass"
    waiting = f"SELECT count(*) FROM pg_locks WHERE {relation} AND NOT granted"
    with db.connect() as conn:
        conn.execute("LOCK TABLE attribution.import_sources IN SHARE MODE")
        processes = [start(db, path, "--batch", "50", "--tenant", shop) for _ in range(2)]
        wait_until(lambda: one(conn, waiting) == 2)
    ended = [(process.communicate(timeout=120), process.returncode) for process in processes]
    assert sorted(code for _, code in ended) == [0, 1]
    (refused,) = (json.loads(out)["error"] for (out, _), code in ended if code)
    assert refused["sqlstate"] == "55000"
    assert len(facts(db, shop)[0]) == 2000


# Size


@one_server
def test_200_000_lines_in_constant_memory(db: Database, tmp_path: Path) -> None:
    with db.connect() as conn:
        shop = engine.new_tenant(conn, mode="deferred")
    path = tmp_path / "a.ndjson"
    with path.open("wb") as out:
        for number in range(200_000):
            out.write(ndjson([event(number, external_event_id=f"event-{number % 20000}")]))
    script = (
        "import resource, subprocess, sys;"
        "done = subprocess.run([sys.executable, '-m', 'controlplane', *sys.argv[1:]]).returncode;"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=sys.stderr); sys.exit(done)"
    )
    command = [sys.executable, "-c", script, "ingest", str(path), "--json", "--tenant", shop]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "DATABASE_URL": db.url}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    assert counts(json.loads(done.stdout)) == (20_000, 180_000, 0)
    assert int(done.stderr) < MEMORY_KIB


# Examples


def test_the_examples_give_what_is_shown(ctl: Ctl, db: Database, shop: str) -> None:
    shown = (ROOT / "examples/events.expected.txt").read_text()
    commands = re.findall(r"^\$ ctl (.*)$", shown, re.MULTILINE)
    assert len(commands) == 2
    printed = ""
    for command in commands:
        words = [str(ROOT / word) if word.startswith("examples/") else word for word in shlex.split(command)]
        printed += f"$ ctl {command}\n{ctl('', db.url, *words).stdout}"
    assert printed == shown
    with db.connect(autocommit=True) as conn:
        engine.drain(conn)
        assert engine.breaches(conn) == []
        engine.use(conn, shop)
        sold = "SELECT transaction_id, captured_cents FROM attribution.revenue_transactions ORDER BY 1"
        assert rows(conn, sold) == [("order-501", 12999), ("order-502", 4500)]
