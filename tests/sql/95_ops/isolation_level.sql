-- require_read_committed(): processing refuses a snapshot that never moves; schedule_jobs() says what is missing.
BEGIN;
SET TRANSACTION ISOLATION LEVEL REPEATABLE READ;
SELECT plan(4);
SELECT tenant_id AS shop FROM attribution.create_tenant('Shop', 'ops@shop.example') \gset
SELECT throws_ok(
    format('SELECT attribution.process_batch(%L)', :'shop'), '25001', 'processing does not run under repeatable read',
    'process_batch() does not run in REPEATABLE READ'
);
SELECT throws_ok(
    format('SELECT attribution.rebuild(%L)', :'shop'), '25001', 'processing does not run under repeatable read', 'nor does rebuild()'
);
SELECT attribution.set_tenant(:'shop') \g /dev/null
INSERT INTO attribution.attribution_events (event_type, session_id, conversion_value_cents, currency)
VALUES ('purchase', gen_random_uuid(), 10, 'USD');
SELECT is((SELECT sum(amount_cents) FROM attribution.revenue_ledger), 10::numeric, 'but an app may insert there');
SELECT throws_ok('SELECT attribution.schedule_jobs()', '0A000', NULL, 'where pg_cron is not at hand, schedule_jobs() says so');
SELECT * FROM finish();
ROLLBACK;
