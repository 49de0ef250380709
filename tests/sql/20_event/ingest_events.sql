-- ingest_events(), ingest_event(), import_events(): a verdict per event; one bad event never spoils its batch.
BEGIN;
SELECT plan(22);
SELECT throws_ok(
    'SELECT * FROM attribution.ingest_events(''[]'')', 'RA002', 'no tenant in context', 'without a context nothing is taken in'
);
\ir ../shop.psql

CREATE FUNCTION pg_temp.verdicts(p_events jsonb) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(concat_ws(' ', i.number, i.status, i.error_code), ', ' ORDER BY i.number)
    FROM attribution.ingest_events(p_events) AS i
$$;

SELECT is(
    pg_temp.verdicts('[
        {"event_type": "click", "session_id": "00000000-0000-0000-0000-000000000001", "occurred_at": "2024-03-01T10:00:00Z",
            "channel": "email", "idempotency_key": "a"},
        {"event_type": "click", "session_id": "00000000-0000-0000-0000-000000000001", "channel": "nowhere", "idempotency_key": "b"},
        {"event_type": "click", "session_id": "00000000-0000-0000-0000-000000000001", "channel": "sms", "idempotency_key": "a"},
        {"event_type": "click", "session_id": "bad", "channel": "email", "idempotency_key": "c"},
        "text", null,
        {"event_type": "purchase", "session_id": "00000000-0000-0000-0000-000000000001", "occurred_at": "2024-03-01T12:00:00Z",
            "idempotency_key": "s", "conversion_value_cents": 1000, "currency": "USD", "transaction_id": "s"}
    ]'),
    '1 accepted, 2 quarantined UNKNOWN_CHANNEL, 3 duplicate, 4 quarantined INVALID_VALUE, 5 quarantined MISSING_FIELD, '
    '6 quarantined MISSING_FIELD, 7 accepted', 'each event has its verdict, in the order in which they were sent'
);
SELECT is(
    (SELECT array_agg(e.idempotency_key ORDER BY e.idempotency_key) FROM attribution.attribution_events AS e),
    ARRAY['a', 's'] COLLATE "C", 'what is valid is stored'
);
SELECT is(pg_temp.ledger('s'), 'attribution email 1000', 'and attributed at once');
SELECT results_eq(
    'SELECT error_code, idempotency_key, raw_payload - ''id'' FROM attribution.dead_events WHERE idempotency_key IN (''b'', ''c'') ORDER BY 2',
    $$VALUES
        ('UNKNOWN_CHANNEL'::text COLLATE "C", 'b'::text COLLATE "C", '{"event_type": "click", "channel": "nowhere", "idempotency_key": "b",
            "session_id": "00000000-0000-0000-0000-000000000001"}'::jsonb),
        ('INVALID_VALUE', 'c', '{"event_type": "click", "session_id": "bad", "channel": "email", "idempotency_key": "c"}')$$,
    'what is not, is kept as it was sent'
);
SELECT is(
    (SELECT count(*) FROM attribution.dead_events AS d WHERE d.raw_payload -> 'raw_payload' ? 'not_an_object'), 2::bigint,
    'even what is no object'
);
SELECT is(
    (SELECT (i.status, i.event_id)::text FROM attribution.ingest_event(
        '{"event_type": "click", "session_id": "00000000-0000-0000-0000-000000000001", "channel": "email", "idempotency_key": "a"}'
    ) AS i), format('(duplicate,%s)', pg_temp.id('a')), 'a duplicate answers with the id of the event that it repeats'
);
SELECT is_empty('SELECT * FROM attribution.ingest_events(''[]'')', 'no events, no verdicts');
SELECT throws_ok(
    'SELECT * FROM attribution.ingest_events(''{}'')', '22023', 'the events are not a JSON array', 'one object is no array'
);
SELECT throws_ok('SELECT * FROM attribution.ingest_events(NULL)', '22023', NULL, 'nor is null');
SET LOCAL attribution.on_invalid = 'raise';
SELECT throws_ok(
    'SELECT * FROM attribution.ingest_events(''[{"session_id": "bad"}]'')', 'RA010', NULL, 'in raise mode a bad event is an error'
);
SET LOCAL attribution.on_invalid = '';

-- import_events()
CREATE FUNCTION pg_temp.import(
    p_after bigint, p_position bigint, p_lines bigint, p_events jsonb DEFAULT '[]', p_unparsable jsonb DEFAULT '[]'
) RETURNS TABLE (number int, status text) LANGUAGE sql AS $$
    SELECT i.number, i.status
    FROM attribution.import_events(
        attribution.current_tenant(), 'f.csv', '3:' || encode(sha256('abc'), 'hex'), p_after, p_position, p_lines,
        encode(sha256('x'), 'hex'), p_events, p_unparsable
    ) AS i
$$;

SELECT results_eq(
    $$SELECT * FROM pg_temp.import(0, 100, 3, '[
        {"event_type": "visit", "session_id": "00000000-0000-0000-0000-000000000002", "channel": "sms", "idempotency_key": "i"},
        {"event_type": "nothing", "session_id": "00000000-0000-0000-0000-000000000002", "idempotency_key": "j"}
    ]', '[{"line": 2, "error": "it is not JSON", "unparsable": "call +14155550100, \"last_name\": \"Ann\""}]')$$,
    $$VALUES (1, 'accepted'), (2, 'quarantined')$$, 'a batch of a file is taken in'
);
SELECT results_eq(
    'SELECT name, position, lines, accepted, duplicates, quarantined FROM attribution.import_sources',
    $$VALUES ('f.csv', 100::bigint, 3::bigint, 1::bigint, 0::bigint, 2::bigint)$$, 'and how far it goes is remembered'
);
SELECT results_eq(
    $$SELECT error_code, error_message, raw_payload FROM attribution.dead_events WHERE raw_payload ? 'unparsable'$$,
    $$VALUES ('INVALID_VALUE'::text COLLATE "C", 'line 2 is no event: it is not JSON',
        '{"unparsable": "call [phone number], \"last_name\": \"[masked]\""}'::jsonb)$$, 'a line that is no event is kept, masked'
);
SELECT throws_ok(
    'SELECT pg_temp.import(0, 100, 3)', '55000', 'the batch does not begin where the import has come to',
    'the same batch is not taken in again'
);
SELECT throws_ok('SELECT pg_temp.import(200, 300, 9)', '55000', NULL, 'nor one after a gap');
SELECT throws_ok('SELECT pg_temp.import(100, 50, 9)', '55000', NULL, 'nor one that ends before it begins');
SELECT lives_ok(
    $$SELECT pg_temp.import(100, 100, 3, '[]', '[{"line": 4, "error": "half a line?", "unparsable": {"name": "Ann"}}]')$$,
    'half a line at the end is set aside'
);
SELECT is((SELECT s.quarantined FROM attribution.import_sources AS s), 2::bigint, 'and not counted as taken in');
SELECT is_empty($$SELECT 1 FROM attribution.dead_events AS d WHERE d::text LIKE '%Ann%'$$, 'masked by its column where it has some');
SELECT is(current_setting('app.current_tenant_id'), :'shop', 'the context stays what it was');
SELECT throws_ok(
    format('SELECT attribution.import_events(%L, ''f'', ''0:'', 0, 0, 0, '''', ''[]'')', gen_random_uuid()), 'RA004', NULL,
    'an unknown tenant has no imports'
);

SELECT * FROM finish();
ROLLBACK;
