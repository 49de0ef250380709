"""ctl ingest: what bad input gets: a verdict with its line number, never a crash."""

import itertools
import json
import tracemalloc
from pathlib import Path

import pytest
from ctl import Ctl, assert_error, create, runner
from engine import one, rows, uid
from event_files import as_csv, counts, event, ingest, ndjson, put
from servers import Database

from controlplane.eventlines import LINE_LIMIT, read_lines

one_server = pytest.mark.servers("one")


@pytest.fixture
def ctl(monkeypatch: pytest.MonkeyPatch) -> Ctl:
    return runner(monkeypatch)


@pytest.fixture
def shop(ctl: Ctl, db: Database) -> str:
    return str(create(ctl, db.url)["tenant_id"])


# What bad input gets

BAD_LINES: dict[str, tuple[bytes, str]] = {
    "no JSON": (b"hello, I am ann@shop.example\n", "it is not JSON: Expecting value at column 1"),
    "no object": (b"[1, 2]\n", "it is JSON, but no object"),
    "NaN": (b'{"weight": NaN}\n', "it is not JSON: NaN is no number"),
    "invalid UTF-8": (b'{"event_type": "cl\xffck"}\n', "it is not UTF-8: byte 0xff at 19"),
    "NUL": (b'{"event_type": "cl\0ck"}\n', "it holds a NUL byte"),
    "escaped NUL": (b'{"event_type": "cl\\u0000ck"}\n', "a text holds a NUL (\\u0000)"),
    "half a surrogate pair": (b'{"event_type": "\\ud800"}\n', "half a surrogate pair"),
    "a million brackets": (b"[" * 1000000 + b"\n", "it is nested too deeply"),
    "too long": (b'{"a": "' + b"x" * LINE_LIMIT + b'"}\n', "it has 1048585 bytes, more than 1 MiB"),
    "5000 digits": (b'{"weight": ' + b"1" * 5000 + b"}\n", "it holds a number that cannot be read"),
    "a number beyond PostgreSQL": (b'{"weight": 1e200000}\n', "value overflows numeric format"),
    "personal data in half a line": (
        b'{"email": "ann@shop.example", "first_name": "Ann\\" Smith", "age": 7, "customer": {"name": "Bo"\n',
        "it is not JSON: Expecting",
    ),
}


@pytest.mark.parametrize("name", BAD_LINES)
def test_a_bad_line(ctl: Ctl, db: Database, shop: str, tmp_path: Path, name: str) -> None:
    line, error = BAD_LINES[name]
    rejects = tmp_path / "rejects.ndjson"
    file = put(tmp_path / "a.ndjson", ndjson([event(1)]) + line + ndjson([event(2)]))
    summary = ingest(ctl, db, file, "--rejects", str(rejects))
    assert summary["accepted"] == 2
    assert set(summary["codes"]) == {"INVALID_VALUE"}
    first = summary["first"][0]
    assert (first["line"], first["code"]) == (2, "INVALID_VALUE")
    assert error in first["error"]
    written = [json.loads(text) for text in rejects.read_text().splitlines()]
    assert [each["line"] for each in written] == [bad["line"] for bad in summary["first"]]
    assert set(written[0]) == {"line", "code", "error", "raw"}
    with db.connect() as conn:
        dead = rows(
            conn, "SELECT source, error_code, error_message, raw_payload FROM attribution.dead_events"
        )
    assert len(dead) == summary["quarantined"]
    assert dead[0][:2] == ("ingest", "INVALID_VALUE")
    assert dead[0][2].startswith("line 2 is no event: ")
    assert set(dead[0][3]) == {"unparsable"}
    assert not any(word in str(dead) for word in ("ann@shop", "Ann", "Smith", "Bo"))
    assert counts(ingest(ctl, db, file)) == (0, 0, 0)


def test_what_is_left_of_personal_data(ctl: Ctl, db: Database, shop: str, tmp_path: Path) -> None:
    ingest(ctl, db, put(tmp_path / "a.ndjson", BAD_LINES["personal data in half a line"][0]))
    with db.connect() as conn:
        kept = one(conn, "SELECT raw_payload ->> 'unparsable' FROM attribution.dead_events")
    assert kept == (
        '{"email": "[masked]", "first_name": "[masked]", "age": 7, "customer": {"name": "[masked]"'
    )


@one_server
def test_half_a_line_at_the_end_may_be_completed(ctl: Ctl, db: Database, shop: str, tmp_path: Path) -> None:
    data = ndjson(event(number) for number in range(1, 4))
    path = tmp_path / "a.ndjson"
    for _ in range(2):
        summary = ingest(ctl, db, put(path, data[:-30]))
        assert (summary["first"][0]["line"], summary["quarantined"]) == (3, 1)
        assert "half a line at the end of the file?" in summary["first"][0]["error"]
    assert counts(ingest(ctl, db, put(path, data))) == (1, 0, 0)
    assert counts(ingest(ctl, db, put(path, data + ndjson([event(4), event(6)])))) == (2, 0, 0)
    with db.connect() as conn:
        query = "SELECT lines, accepted, quarantined FROM attribution.import_sources"
        assert rows(conn, query) == [(5, 5, 0)]
        assert one(conn, "SELECT count(*) FROM attribution.dead_events") == 1


@one_server
def test_a_file_that_was_changed_where_it_is_imported(
    ctl: Ctl, db: Database, shop: str, tmp_path: Path
) -> None:
    events = [event(number) for number in range(1, 1000)]
    path = tmp_path / "a.ndjson"
    assert counts(ingest(ctl, db, put(path, ndjson(events)))) == (999, 0, 0)
    for changed in ([*events[:990], event(5000), *events[991:], event(1001)], events[:950]):
        result = ctl("ingest --tenant", db.url, shop, put(path, ndjson(changed)))
        assert_error(result, 1, "a.ndjson was changed before line 999", "Nothing was imported", "rename it")
    other = ndjson(event(number) for number in range(2000, 2010))
    assert counts(ingest(ctl, db, put(path, other))) == (10, 0, 0), "another file of that name"


CSV_FAULTS = {
    "too many values": (f"click,{uid(1)},,k,email,,,,x,y", "it has 10 values, the header has 8 columns"),
    "too few": (f"click,{uid(1)}", "it has 2 values, the header has 8 columns"),
    "a stray quote": (f'click,{uid(1)},,k,"email,,,', "a quoted value is not closed"),
    "text after a quote": (f'click,{uid(1)},,k,"em"ail,,,', "it is not CSV"),
    "NUL": (f"click,{uid(1)},,k\0,email,,,", "it holds a NUL byte"),
}


@one_server
@pytest.mark.parametrize("name", CSV_FAULTS)
def test_a_bad_csv_line(ctl: Ctl, db: Database, shop: str, tmp_path: Path, name: str) -> None:
    line, error = CSV_FAULTS[name]
    good = as_csv(event(number) for number in range(1, 10)).decode().splitlines()
    file = put(tmp_path / "a.csv", "\n".join([*good[:4], line, *good[4:], ""]).encode())
    summary = ingest(ctl, db, file)
    assert counts(summary) == (9, 0, 1)
    assert summary["first"][0]["line"] == 5
    assert error in summary["first"][0]["error"]
    with db.connect() as conn:
        kept = one(conn, "SELECT raw_payload -> 'unparsable' FROM attribution.dead_events")
    assert kept["event_type"] == "click"


@one_server
def test_a_bad_csv_line_with_columns_left_out_is_not_kept(
    ctl: Ctl, db: Database, shop: str, tmp_path: Path
) -> None:
    file = put(tmp_path / "a.csv", f"event_type,session_id,who\nclick,{uid(1)},Ann Smith,1\n".encode())
    assert counts(ingest(ctl, db, file, "--map", "who=-")) == (0, 0, 1)
    with db.connect() as conn:
        assert set(one(conn, "SELECT raw_payload -> 'unparsable' FROM attribution.dead_events")) == {
            "omitted", "sha256",
        }  # fmt: skip


@one_server
@pytest.mark.parametrize(
    ("header", "words"),
    [
        (b"event_type,visitor,when", ["unknown: visitor, when", "missing: session_id", "--map COLUMN=FIELD"]),
        (b"event_type,session_id,channel,channel", ["given twice: channel"]),
        (b"", ["the CSV file has no header"]),
        (b"event_type,session_id\xff", ["the CSV header cannot be read: it is not UTF-8"]),
        (b'event_type,"session_id', ["the CSV header cannot be read: a quoted value is not closed"]),
    ],
)
def test_a_wrong_csv_header(
    ctl: Ctl, db: Database, shop: str, tmp_path: Path, header: bytes, words: list[str]
) -> None:
    file = put(tmp_path / "a.csv", header + b"\n")
    assert_error(ctl("ingest --tenant", db.url, shop, file), 2, *words)


@one_server
def test_usage(ctl: Ctl, db: Database, shop: str, tmp_path: Path) -> None:
    file = put(tmp_path / "events.txt", b"")
    assert_error(ctl("ingest --tenant x", db.url, file), 2, "ndjson or csv?", "--format")
    assert_error(ctl("ingest --tenant x", db.url, str(tmp_path / "no.csv")), 2, "does not exist")
    for pair in ("a", "a=b", "=channel", "a=raw_payload."):
        assert_error(ctl("ingest --tenant x --format csv --map", db.url, pair, file), 2, "not COLUMN=FIELD")
    assert_error(ctl("ingest --tenant Nobody --format csv", db.url, file), 1, "there is no tenant 'Nobody'")


@one_server
def test_strict_and_words(ctl: Ctl, db: Database, shop: str, tmp_path: Path) -> None:
    file = put(tmp_path / "a.ndjson", ndjson([event(1), event(2, channel="nowhere"), event(1)]))
    result = ctl("ingest --strict --tenant", db.url, shop, file)
    assert result.exit_code == 1
    for words in ("a.ndjson: 3 lines", "accepted               1", "duplicates             1",
                  "UNKNOWN_CHANNEL", "line 2: UNKNOWN_CHANNEL: channel 'nowhere' is not known"):  # fmt: skip
        assert words in result.stdout
    again = ctl("ingest --strict --tenant", db.url, shop, file)
    assert again.exit_code == 0
    assert "a.ndjson: 0 lines after line 3, up to which it was imported before" in again.stdout


@one_server
def test_rejects_of_what_the_database_refused(ctl: Ctl, db: Database, shop: str, tmp_path: Path) -> None:
    bad = event(2, channel="nowhere")
    rejects = tmp_path / "rejects"
    ingest(ctl, db, put(tmp_path / "a.ndjson", ndjson([event(1), bad])), "--rejects", str(rejects))
    (written,) = map(json.loads, rejects.read_text().splitlines())
    with db.connect() as conn:
        dead = one(conn, "SELECT id::text FROM attribution.dead_events")
    message = "channel 'nowhere' is not known"
    assert written == {
        "line": 2,
        "code": "UNKNOWN_CHANNEL",
        "error": message,
        "dead_event_id": dead,
        "event": bad,
    }


# Lines


def test_a_line_of_500_mb_is_never_held() -> None:
    chunk = b"x" * (1 << 18)
    tracemalloc.start()
    try:
        long, short = read_lines(itertools.chain([b'{"a": "'], itertools.repeat(chunk, 2000), [b'"}\n{}']))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (long.size, short.data, short.number) == (7 + 2000 * len(chunk) + 2, b"{}", 2)
    assert short.end == long.size + 3
    assert len(long.data) <= LINE_LIMIT
    assert peak < 16 << 20


def test_lines_do_not_depend_on_the_chunks() -> None:
    data = b"a\r\nb\rc\n\r\nd\xff" + b"e" * 100 + b"\r\r\n\nf"
    seen = {
        tuple((line.number, line.data, line.end, line.digest.hexdigest()) for line in read_lines(
            data[start : start + size] for start in range(0, len(data), size)
        ))
        for size in range(1, len(data) + 1)
    }  # fmt: skip
    assert len(seen) == 1
    assert [data for _, data, *_ in next(iter(seen))] == [
        b"a", b"b", b"c", b"", b"d\xff" + b"e" * 100, b"", b"", b"f"
    ]  # fmt: skip
