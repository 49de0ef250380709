-- process_batch(), run_pending(), record_failure(), rebuild(): work is done once, failures back off, then are dead, a rebuild changes nothing.
BEGIN;
SELECT plan(32);
\ir ../shop.psql
UPDATE attribution.tenants SET settings = '{"mode": "deferred", "max_retries": 3}' WHERE id = :'shop';

SELECT is(attribution.process_batch(:'shop'), 0, 'nothing to do');
SELECT pg_temp.touch('a', '10:00', 'sms'), pg_temp.sale('s', '12:00', 100), pg_temp.touch('far', '10:00', 'sms', 9) \g /dev/null
SELECT is(attribution.process_batch(:'shop', 1), 1, 'p_limit bounds a claim');
SELECT is((SELECT count(*) FROM attribution.work_queue), 2::bigint, 'which deletes what it took, no more');
SELECT is(attribution.process_batch(:'shop'), 2, 'the rest');
SELECT is(pg_temp.ledger('s'), 'attribution sms 100', 'a deferred conversion is posted');
SELECT is(attribution.process_batch(:'shop'), 0, 'and the queue is empty');

SELECT pg_temp.touch('late', '11:00', 'email') \g /dev/null
SELECT is(
    attribution.conversions_affected_by(:'shop', ARRAY[pg_temp.id('late')]), ARRAY[pg_temp.id('s')],
    'a late touch affects the conversion of its session'
);
SELECT pg_temp.touch('after', '12:00:01') \g /dev/null
SELECT is(
    attribution.conversions_affected_by(:'shop', ARRAY[pg_temp.id('after'), pg_temp.id('far')]), '{}'::uuid[],
    'a touch after it, or of another session, does not'
);
SELECT is(
    attribution.conversions_affected_by(:'shop', ARRAY[pg_temp.id('s'), pg_temp.id('late'), pg_temp.id('s')]), ARRAY[pg_temp.id('s')],
    'each conversion once'
);
SELECT attribution.process_batch(:'shop') \g /dev/null
SELECT is(
    pg_temp.ledger('s'), 'attribution sms 100, reversal sms -100, attribution sms 50, attribution email 50', 'the sale is restated'
);
SELECT results_eq(
    format('SELECT conversions, changed FROM attribution.rebuild(%L)', :'shop'), 'VALUES (1::bigint, 0::bigint)',
    'a rebuild changes nothing when all was right'
);
SELECT pg_temp.rule('more', 'first_touch') \g /dev/null
SELECT results_eq(
    format($$SELECT conversions, changed FROM attribution.rebuild(%L, '2024-03-01 12:00:00.000001+00')$$, :'shop'),
    'VALUES (0::bigint, 0::bigint)', 'only conversions of the period are looked at'
);
SELECT results_eq(
    format($$SELECT conversions, changed FROM attribution.rebuild(%L, '2024-03-01 12:00+00', '2024-03-01 12:00:00.000001+00')$$, :'shop'),
    'VALUES (1::bigint, 1::bigint)', 'its start included, its end not; a new rule is a change'
);

-- Tenants in turn.
SELECT tenant_id AS other FROM attribution.create_tenant('Other', 'ops@other.example') \gset
SELECT is(attribution.next_tenant_with_work(NULL), NULL, 'no tenant has work');
SELECT pg_temp.sale('s2', '12:00', 10) \g /dev/null
SELECT is(attribution.next_tenant_with_work(NULL), :'shop'::uuid, 'one has');
SELECT is(attribution.next_tenant_with_work(:'shop'), NULL, 'and none after it');
CALL attribution.run_pending(0);
SELECT is(attribution.next_tenant_with_work(NULL), NULL, 'run_pending() drains');
SELECT is(pg_temp.ledger('s2'), 'attribution sms 5, attribution email 5', 'what it took is posted');
SELECT lives_ok('CALL attribution.run_pending()', 'and ends when nothing is left');

-- Failures.
ALTER TABLE attribution.attribution_allocations ADD CONSTRAINT poison CHECK (currency <> 'EUR');
SELECT pg_temp.sale('good', '12:00', 10, 'USD', 3), pg_temp.sale('poison', '12:00', 10, 'EUR', 4), pg_temp.sale('fine', '12:00', 10, 'USD', 5) \g /dev/null
SELECT attribution.process_batch(:'shop') \g /dev/null
SELECT is(pg_temp.ledger('good') || pg_temp.ledger('fine'), 'attribution unattributed 10attribution unattributed 10', 'a poison one does not stop the others');
SELECT matches(
    (SELECT last_error FROM attribution.event_processing WHERE event_id = pg_temp.id('poison')), '^23514: .*"poison"$',
    'its error is kept with its SQLSTATE, without the row, which a policy hides'
);
-- After that many failures, does one more wait for p_delay? The clock is read before and after.
CREATE FUNCTION pg_temp.waits(p_failures int, p_delay interval) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    v_before timestamptz := clock_timestamp();
BEGIN
    UPDATE attribution.event_processing SET retry_count = p_failures, processing_status = 'failed' WHERE event_id = pg_temp.id('s');
    PERFORM attribution.record_failure(attribution.current_tenant(), ARRAY[pg_temp.id('s')], '22012', 'm', 'd', 'h');
    RETURN next_retry_at BETWEEN v_before + p_delay AND clock_timestamp() + p_delay
    FROM attribution.event_processing WHERE event_id = pg_temp.id('s');
END
$$;
SELECT is(
    (SELECT processing_status || ' ' || retry_count FROM attribution.event_processing WHERE event_id = pg_temp.id('poison')), 'failed 1',
    'it failed once'
);
SELECT is(attribution.process_batch(:'shop'), 0, 'and is not tried again before its time');
SELECT is(
    attribution.conversions_affected_by(:'shop', ARRAY[pg_temp.id('poison')]), '{}'::uuid[], 'not even when it is queued again'
);
UPDATE attribution.event_processing SET next_retry_at = '2024-01-01' WHERE event_id = pg_temp.id('poison');
SELECT is(attribution.next_tenant_with_work(NULL), :'shop'::uuid, 'a retry that is due is work');
SELECT is(attribution.process_batch(:'shop'), 1, 'and is taken');
UPDATE attribution.event_processing SET next_retry_at = '2024-01-01' WHERE event_id = pg_temp.id('poison');
SELECT attribution.process_batch(:'shop') \g /dev/null
SELECT results_eq(
    format('SELECT processing_status, retry_count, next_retry_at FROM attribution.event_processing WHERE event_id = %L', pg_temp.id('poison')),
    $$VALUES ('dead'::text COLLATE "C", 3, NULL::timestamptz)$$, 'after settings.max_retries failures it is dead, and waits no more'
);
SELECT results_eq(
    'SELECT check_name, object FROM attribution.verify()', format($$VALUES ('processing_dead', 'event ' || %L)$$, pg_temp.id('poison')),
    'verify() names it'
);
ALTER TABLE attribution.attribution_allocations DROP CONSTRAINT poison;
SELECT attribution.rebuild(:'shop') \g /dev/null
SELECT is(
    (SELECT processing_status || ' ' || retry_count || coalesce(last_error, '') FROM attribution.event_processing WHERE event_id = pg_temp.id('poison')),
    'processed 0', 'and a rebuild revives it'
);

UPDATE attribution.tenants SET settings = '{"max_retries": 100}' WHERE id = :'shop';
SELECT is_empty(
    $$SELECT failures FROM (VALUES (0, '10 s'), (1, '20 s'), (2, '40 s'), (5, '320 s'), (9, '1 hour'), (90, '1 hour')) AS d (failures, delay)
    WHERE NOT pg_temp.waits(failures, delay::interval)$$,
    'delays double from 10 seconds to an hour'
);
SELECT is(
    (SELECT last_error FROM attribution.event_processing WHERE event_id = pg_temp.id('s')), E'22012: m\nd\nh', 'with message, detail and hint'
);

SELECT throws_ok(
    'SELECT attribution.process_batch(''00000000-0000-0000-0000-000000000000'')', 'RA004', 'unknown tenant', 'an unknown tenant has no batch'
);

SELECT * FROM finish();
ROLLBACK;
