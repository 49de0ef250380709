-- replay_dead_events(), discard_dead_events(): what was mended becomes an event; what was not, waits longer each time.
BEGIN;
SELECT plan(18);
\ir ../shop.psql

CREATE FUNCTION pg_temp.replayed(p_ids uuid[] DEFAULT NULL, p_code text DEFAULT NULL, p_due boolean DEFAULT false) RETURNS text
LANGUAGE sql AS $$
    SELECT string_agg(concat_ws(' ', d.idempotency_key, r.status, r.error_code), ', ' ORDER BY d.idempotency_key)
    FROM attribution.replay_dead_events(attribution.current_tenant(), p_ids, p_code, p_due) AS r
    JOIN attribution.dead_events AS d ON d.tenant_id = attribution.current_tenant() AND d.id = r.dead_event_id
$$;

SELECT pg_temp.touch('t1', '10:00', 'TV'), pg_temp.touch('t2', '11:00', 'Radio'), pg_temp.touch('t3', '11:00', 'email'),
    pg_temp.sale('s', '12:00', 1000) \g /dev/null
SELECT pg_temp.sale('c', '12:00', 1000, 'XXX', 2) \g /dev/null
INSERT INTO attribution.attribution_events (event_type, session_id, channel, idempotency_key, raw_payload)
VALUES ('visit', gen_random_uuid(), 'email', 'pii', '{"phone": 1}');

SELECT is(
    pg_temp.replayed(p_code => 'UNKNOWN_CHANNEL'), 't1 pending UNKNOWN_CHANNEL, t2 pending UNKNOWN_CHANNEL',
    'as long as nothing is mended, they stay'
);
SELECT results_eq(
    $$SELECT idempotency_key, retry_count, remediation_status FROM attribution.dead_events ORDER BY 1$$,
    $$VALUES ('c'::text COLLATE "C", 0, 'pending'::text COLLATE "C"), ('pii', 0, 'pending'), ('t1', 1, 'pending'), ('t2', 1, 'pending')$$,
    'those of the code were tried, and no others'
);
SELECT is(
    (SELECT d.next_retry_at - d.last_retry_at FROM attribution.dead_events AS d WHERE d.idempotency_key = 't1'), interval '2 hours',
    'the next try is two hours away'
);
SELECT is(pg_temp.replayed(p_due => true), NULL, 'nothing is due yet');
SELECT pg_temp.replayed(p_code => 'UNKNOWN_CHANNEL') \g /dev/null
SELECT is(
    (SELECT d.next_retry_at - d.last_retry_at FROM attribution.dead_events AS d WHERE d.idempotency_key = 't1'), interval '4 hours',
    'then four'
);

INSERT INTO attribution.channel_aliases (tenant_id, match_kind, match_value, channel_code) VALUES (:'shop', 'label', 'tv', 'referral');
SELECT is(
    pg_temp.replayed(ARRAY(SELECT d.id FROM attribution.dead_events AS d WHERE d.idempotency_key = 't1')), 't1 resolved',
    'with the label mapped, it becomes an event'
);
SELECT is(
    (SELECT d.resolved_event_id FROM attribution.dead_events AS d WHERE d.idempotency_key = 't1'), pg_temp.id('t1'), 'which it is linked to'
);
SELECT is(
    (SELECT e.occurred_at FROM attribution.attribution_events AS e WHERE e.idempotency_key = 't1'), pg_temp.at('10:00'),
    'at the time at which it happened'
);
CALL attribution.run_pending();
SELECT is(pg_temp.shares('s', 'linear'), '1 referral 500, 2 email 500', 'and the sale is attributed anew');
SELECT is(pg_temp.replayed(p_code => 'UNKNOWN_CHANNEL'), 't2 pending UNKNOWN_CHANNEL', 'it is not tried again');

SELECT pg_temp.touch('t2', '11:00', 'sms') \g /dev/null
SELECT is(pg_temp.replayed(p_code => 'UNKNOWN_CHANNEL'), 't2 resolved', 'one whose event was sent again meanwhile is resolved by that');
SELECT is(
    (SELECT d.resolved_event_id FROM attribution.dead_events AS d WHERE d.idempotency_key = 't2'), pg_temp.id('t2'), 'and linked to it'
);

SELECT pg_temp.replayed(p_code => 'INVALID_CURRENCY') FROM generate_series(1, 5) \g /dev/null
SELECT is(
    (SELECT (d.retry_count, d.next_retry_at, d.remediation_status)::text FROM attribution.dead_events AS d WHERE d.idempotency_key = 'c'),
    '(5,,pending)', 'after five tries none is due any more'
);
SELECT is(
    attribution.discard_dead_events(:'shop', ARRAY(SELECT d.id FROM attribution.dead_events AS d)), 2,
    'discarding leaves alone what is resolved'
);
SELECT is(pg_temp.replayed(), NULL, 'what is discarded is not tried again');
SELECT is((SELECT count(*) FROM attribution.dead_events), 4::bigint, 'the rows stay');
SELECT throws_ok(
    format('SELECT * FROM attribution.replay_dead_events(%L)', gen_random_uuid()), 'RA004', NULL, 'an unknown tenant has none'
);
SELECT throws_ok(
    format('SELECT attribution.discard_dead_events(%L, ''{}'')', gen_random_uuid()), 'RA004', NULL, 'nor to discard'
);

SELECT * FROM finish();
ROLLBACK;
