-- quarantine_event(): a bad row is kept once, masked, beside the good ones; or raised when the app asks for that.
BEGIN;
SELECT plan(11);
\ir ../shop.psql

INSERT INTO attribution.attribution_events (event_type, session_id, occurred_at, idempotency_key, channel, raw_payload) VALUES
('click', gen_random_uuid(), '2024-03-01 10:00+00', 'good', 'email', NULL),
('click', '00000000-0000-0000-0000-000000000001', '2024-03-01 10:00+00', 'bad', 'email', '{"n": 7, "customer": {"name": "Ann", "phone": "x"}}'),
('click', gen_random_uuid(), '2024-03-01 10:00+00', 'good too', 'email', NULL);
SELECT results_eq(
    'SELECT idempotency_key FROM attribution.attribution_events ORDER BY 1', $$VALUES ('good'::text COLLATE "C"), ('good too')$$,
    'the INSERT goes on without the bad row'
);
SELECT results_eq(
    $$SELECT source, error_code, idempotency_key, remediation_status, retry_count, raw_payload - 'id' FROM attribution.dead_events$$,
    $$VALUES ('insert', 'PII_DETECTED'::text COLLATE "C", 'bad'::text COLLATE "C", 'pending'::text COLLATE "C", 0, '{"event_type": "click",
        "session_id": "00000000-0000-0000-0000-000000000001", "occurred_at": "2024-03-01T10:00:00+00:00", "idempotency_key": "bad",
        "channel": "email", "raw_payload": {"n": 7, "customer": {"name": "[masked]", "phone": "[masked]"}}}'::jsonb)$$,
    'which is kept as it was sent, personal data masked'
);
INSERT INTO attribution.attribution_events (event_type, session_id, occurred_at, idempotency_key, channel, raw_payload)
SELECT 'click', gen_random_uuid(), now(), 'bad', 'email', '{"phone": 1}' FROM generate_series(1, 3);
SELECT is((SELECT count(*) FROM attribution.dead_events), 1::bigint, 'sent again, it is the same dead event');
INSERT INTO attribution.attribution_events (event_type, session_id, occurred_at, idempotency_key, channel)
VALUES ('click', gen_random_uuid(), now(), 'bad', 'email');
SELECT is((SELECT count(*) FROM attribution.attribution_events WHERE idempotency_key = 'bad'), 1::bigint, 'corrected, it is an event');

INSERT INTO attribution.attribution_events (event_type, session_id, idempotency_key, transaction_id, channel)
VALUES ('visit', gen_random_uuid(), 'bob@example.com', '+14155550100', 'nowhere');
SELECT results_eq(
    $$SELECT error_code, idempotency_key, raw_payload - ARRAY['id', 'session_id'] FROM attribution.dead_events ORDER BY id DESC LIMIT 1$$,
    $$SELECT 'UNKNOWN_CHANNEL'::text COLLATE "C", ('sha256:' || encode(sha256('bob@example.com'), 'hex')) COLLATE "C",
        '{"event_type": "visit", "idempotency_key": "[e-mail address]", "transaction_id": "[phone number]", "channel": "nowhere"}'::jsonb$$,
    'personal data in ids and labels is masked, whatever else is wrong; an unknown time is not made up'
);

INSERT INTO attribution.attribution_events (event_type, session_id, channel, idempotency_key, raw_payload)
VALUES ('visit', gen_random_uuid(), 'email', 'huge', jsonb_build_object('a', repeat('x ', 1000000)));
SELECT results_eq(
    $$SELECT raw_payload -> 'raw_payload' FROM attribution.dead_events WHERE idempotency_key = 'huge'$$,
    $$SELECT jsonb_build_object(
        'omitted', 'raw_payload has 2000009 bytes, more than 64 KiB',
        'hash', jsonb_hash_extended(jsonb_build_object('a', repeat('x ', 1000000)), 0)::text
    )$$,
    'of a payload beyond 1 MiB, the size and a hash are kept'
);
SELECT is_empty(
    $$SELECT id FROM attribution.dead_events AS d WHERE d::text ~ 'bob@example|4155550100|Ann'$$, 'no personal data is left anywhere'
);

SET LOCAL attribution.on_invalid = 'raise';
SELECT throws_ok(
    $$INSERT INTO attribution.attribution_events (event_type, session_id, channel, idempotency_key)
        VALUES ('click', gen_random_uuid(), 'nowhere', 'r')$$,
    'RA010', 'UNKNOWN_CHANNEL: channel ''nowhere'' is not known', 'with attribution.on_invalid = raise the INSERT fails'
);
SELECT throws_ok(
    $$INSERT INTO attribution.attribution_events (event_type, session_id, channel, raw_payload)
        VALUES ('click', gen_random_uuid(), 'email', '{"phone": 1}')$$,
    'RA010', 'PII_DETECTED: raw_payload holds personal data: key "phone"', 'for personal data too'
);
SELECT is((SELECT count(*) FROM attribution.dead_events WHERE idempotency_key = 'r'), 0::bigint, 'and nothing is kept');
SET LOCAL attribution.on_invalid = '';
SELECT lives_ok(
    $$INSERT INTO attribution.attribution_events (event_type, session_id, channel) VALUES ('click', gen_random_uuid(), 'nowhere')$$,
    'any other value quarantines'
);

SELECT * FROM finish();
ROLLBACK;
