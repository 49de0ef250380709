-- process_new_events() and require_tenant(): what a statement queues, what it attributes at once, and that it never fails for it.
BEGIN;
SELECT plan(15);

SELECT throws_ok(
    $$INSERT INTO attribution.attribution_events (event_type, session_id, channel) VALUES ('click', gen_random_uuid(), 'email')$$,
    'RA002', 'no tenant in context', 'without a context nothing is inserted'
);
SELECT throws_ok(
    'INSERT INTO attribution.attribution_events (event_type) SELECT ''click'' WHERE false', 'RA002', 'no tenant in context',
    'not even no row at all'
);
\ir ../shop.psql

INSERT INTO attribution.attribution_events (event_type, session_id, occurred_at, idempotency_key, channel) VALUES
('click', '00000000-0000-0000-0000-000000000001', '2024-03-01 10:00+00', 't1', 'email'),
('click', '00000000-0000-0000-0000-000000000001', '2024-03-01 11:00+00', 't2', 'direct'),
('click', '00000000-0000-0000-0000-000000000001', '2024-03-01 11:00+00', 'bad', 'nowhere');
SELECT results_eq(
    'SELECT array_length(event_ids, 1) FROM attribution.work_queue', 'VALUES (2)', 'a statement appends one row to the queue, of its new events'
);
SELECT is_empty('SELECT 1 FROM attribution.event_processing', 'a touch is not processed by itself');
SELECT pg_temp.touch('t1', '10:00') \g /dev/null
SELECT is((SELECT count(*) FROM attribution.work_queue), 1::bigint, 'a duplicate queues nothing');

SELECT pg_temp.sale('s', '12:00', 1000) \g /dev/null
SELECT results_eq(
    'SELECT event_id, processing_status, retry_count, last_error FROM attribution.event_processing',
    format($$VALUES (%L::uuid, 'processed'::text COLLATE "C", 0, NULL::text)$$, pg_temp.id('s')),
    'a conversion is attributed at once'
);
SELECT is(pg_temp.shares('s', 'linear'), '1 email 500, 2 direct 500', 'under every active rule');
SELECT is(pg_temp.ledger('s'), 'attribution email 500, attribution direct 500', 'and the book rule''s shares are posted');
SELECT is((SELECT count(*) FROM attribution.work_queue), 2::bigint, 'it is queued too, for touches that are not committed yet');

INSERT INTO attribution.attribution_events (event_type, session_id, idempotency_key, conversion_value_cents, currency, transaction_id)
VALUES ('refund', gen_random_uuid(), 'r', 10, 'USD', 's');
SELECT is(
    (SELECT processing_status FROM attribution.event_processing WHERE event_id = pg_temp.id('r')), 'processed', 'a refund is booked at once, too'
);
INSERT INTO attribution.attribution_events (event_type, session_id, idempotency_key, conversion_value_cents, currency, transaction_id)
VALUES ('refund', gen_random_uuid(), 'early', 10, 'USD', 'not yet');
SELECT is(
    (SELECT processing_status FROM attribution.event_processing WHERE event_id = pg_temp.id('early')), 'pending', 'one without a sale waits'
);

UPDATE attribution.tenants SET settings = '{"mode": "deferred"}' WHERE id = :'shop';
SELECT pg_temp.sale('later', '12:00', 1000) \g /dev/null
SELECT is(
    (SELECT processing_status FROM attribution.event_processing WHERE event_id = pg_temp.id('later')), 'pending',
    'a deferred tenant''s conversion waits'
);
SELECT is(pg_temp.shares('later', 'linear'), NULL, 'and has no shares yet');

UPDATE attribution.tenants SET settings = '{}' WHERE id = :'shop';
ALTER TABLE attribution.attribution_allocations ADD CONSTRAINT poison CHECK (currency <> 'EUR');
SELECT lives_ok($$SELECT pg_temp.sale('poison', '12:00', 1000, 'EUR')$$, 'an error in attributing never fails the INSERT');
SELECT matches(
    (SELECT last_error FROM attribution.event_processing WHERE event_id = pg_temp.id('poison') AND processing_status = 'failed'),
    '^23514: .*poison', 'it is kept, and will be retried'
);

SELECT * FROM finish();
ROLLBACK;
