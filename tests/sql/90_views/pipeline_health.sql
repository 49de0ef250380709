-- pipeline_health: what waits, what failed, what is dead.
BEGIN;
SELECT plan(6);
\ir ../shop.psql
CREATE FUNCTION pg_temp.health() RETURNS text LANGUAGE sql AS $$
    SELECT format('queue %s, pending %s, failed %s, dead %s, refunds %s, letters %s', queue_depth, pending, failed, dead,
        unposted_refunds, dead_letters)
    FROM attribution.pipeline_health WHERE tenant_id = attribution.current_tenant()
$$;
SELECT is(pg_temp.health(), 'queue 0, pending 0, failed 0, dead 0, refunds 0, letters 0', 'a new shop has nothing to do');
SELECT is((SELECT oldest_queued_seconds FROM attribution.pipeline_health), 0::numeric, 'and nothing that waits');

UPDATE attribution.tenants SET settings = '{"mode": "deferred", "max_retries": 2}' WHERE id = :'shop';
SELECT pg_temp.touch('t', '10:00'), pg_temp.touch('bad 1', '10:00', 'nowhere'), pg_temp.touch('bad 2', '10:00', 'nowhere'),
    pg_temp.sale('s1', '12:00', 10), pg_temp.sale('s2', '12:00', 10), pg_temp.sale('s3', '12:00', 10), pg_temp.sale('s4', '12:00', 10) \g /dev/null
INSERT INTO attribution.attribution_events (event_type, session_id, conversion_value_cents, currency, transaction_id)
VALUES ('refund', gen_random_uuid(), 1, 'USD', 'x');
SELECT attribution.record_failure(:'shop', ARRAY[pg_temp.id('s1'), pg_temp.id('s2')], 'XX000', 'm', NULL, NULL) \g /dev/null
SELECT attribution.record_failure(:'shop', ARRAY[pg_temp.id('s1')], 'XX000', 'm', NULL, NULL) \g /dev/null
SELECT is(pg_temp.health(), 'queue 6, pending 2, failed 1, dead 1, refunds 1, letters 2', 'each is counted where it belongs');
UPDATE attribution.work_queue SET enqueued_at = clock_timestamp() - interval '1 hour' WHERE id = (SELECT id FROM attribution.work_queue ORDER BY id LIMIT 1);
SELECT cmp_ok((SELECT oldest_queued_seconds FROM attribution.pipeline_health), '>=', 3600::numeric, 'the age of the queue is that of its oldest row');

UPDATE attribution.dead_events SET remediation_status = 'discarded' WHERE idempotency_key = 'bad 1';
SELECT attribution.process_batch(:'shop') \g /dev/null
SELECT is(pg_temp.health(), 'queue 0, pending 0, failed 1, dead 0, refunds 1, letters 1', 'work done and letters dealt with are gone');
SELECT tenant_id AS other FROM attribution.create_tenant('Other', 'ops@other.example') \gset
SELECT attribution.set_tenant(:'other') \g /dev/null
SELECT is(pg_temp.health(), 'queue 0, pending 0, failed 0, dead 0, refunds 0, letters 0', 'another shop has its own row');

SELECT * FROM finish();
ROLLBACK;
