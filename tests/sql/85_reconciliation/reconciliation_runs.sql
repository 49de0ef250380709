-- open_reconciliation(), start_reconciliation(), fail_reconciliation(): the states of a run, and who may move it.
BEGIN;
SELECT plan(24);
\ir ../shop.psql
\ir statement.psql
SELECT tenant_id AS other FROM attribution.create_tenant('Other', 'ops@other.example') \gset
UPDATE attribution.tenants SET time_zone = 'America/New_York' WHERE id = :'shop';

SELECT attribution.open_reconciliation(:'shop', 'stripe', 'processor', 'march.csv', '2024-03-01', '2024-03-31') AS run \gset
SELECT results_eq(
    'SELECT source, kind, file_name, period_from, period_to, state, finished_at, last_error, created_by FROM attribution.reconciliation_runs',
    $$VALUES ('stripe'::text COLLATE "C", 'processor'::text COLLATE "C", 'march.csv'::text, '2024-03-01 05:00+00'::timestamptz,
        '2024-04-01 04:00+00'::timestamptz, 'idle'::text COLLATE "C", NULL::timestamptz, NULL::text, session_user)$$,
    'a run is opened idle, for whole days of the tenant''s zone, daylight saving and all'
);
SELECT lives_ok(format('SELECT attribution.start_reconciliation(%L, %L)', :'shop', :'run'), 'it is started');
SELECT is((SELECT state FROM attribution.reconciliation_runs), 'running', 'and running');
SELECT throws_ok(
    format('SELECT attribution.start_reconciliation(%L, %L)', :'shop', :'run'), '55000', 'the reconciliation run is running, not idle',
    'it is started once'
);
SELECT lives_ok(format('SELECT attribution.fail_reconciliation(%L, %L, %L)', :'shop', :'run', 'the disk is full'), 'it may fail');
SELECT results_eq(
    'SELECT state, last_error, finished_at >= started_at FROM attribution.reconciliation_runs',
    $$VALUES ('error'::text COLLATE "C", 'the disk is full'::text, true)$$, 'and then says why'
);
SELECT throws_ok(
    format('SELECT attribution.%s', call), '55000', 'the reconciliation run is error, not running', call
)
FROM unnest(ARRAY[
    format('fail_reconciliation(%L, %L, %L)', :'shop', :'run', 'again'), format('report_revenue(%L, %L, %L)', :'shop', :'run', '[]'),
    format('compare_revenue(%L, %L)', :'shop', :'run')
]) AS call;
SELECT pg_temp.running() AS run \gset
SELECT attribution.fail_reconciliation(:'shop', :'run', NULL) \g /dev/null
SELECT is((SELECT last_error FROM attribution.reconciliation_runs WHERE id = :'run'), 'no reason was given', 'a reason is always there');

-- What a lost client left behind.
SELECT pg_temp.running('stripe') AS lost, attribution.open_reconciliation(:'shop', 'shopify', 'processor') AS elsewhere,
    attribution.open_reconciliation(:'other', 'stripe', 'processor') AS theirs \gset
SELECT pg_temp.running('stripe') AS next \gset
SELECT results_eq(
    format('SELECT state, last_error FROM attribution.reconciliation_runs WHERE id = %L', :'lost'),
    $$VALUES ('error'::text COLLATE "C", 'abandoned: its client went away before it was done'::text)$$,
    'the next run of the source marks what is left running'
);
SELECT is(
    (SELECT string_agg(state, ' ' ORDER BY state) FROM attribution.reconciliation_runs WHERE id IN (:'next', :'elsewhere', :'theirs')),
    'idle idle running', 'and nothing of other sources or tenants'
);

-- What is no run.
SELECT throws_ok(format('SELECT attribution.open_reconciliation(%L, %s)', :'shop', given), '22023', message, given)
FROM (VALUES
    ('''Stripe'', ''processor''', '''Stripe'' is not the name of a source'),
    ('NULL, ''processor''', 'NULL is not the name of a source'),
    ('''stripe'', ''bank''', '''bank'' is not a kind of source'),
    ('''stripe'', NULL', 'NULL is not a kind of source'),
    ('''stripe'', ''processor'', ''''', 'the file name has not 1 to 512 bytes'),
    ('''stripe'', ''processor'', NULL, ''2024-03-02'', ''2024-03-01''', '2024-03-02 to 2024-03-01 is no period'),
    ('''stripe'', ''processor'', NULL, ''-infinity'', ''2024-03-01''', '-infinity to 2024-03-01 is no period')
) AS bad (given, message);

-- Whose runs.
SELECT throws_ok(
    format('SELECT attribution.start_reconciliation(%L, %L)', :'shop', :'theirs'), 'RA004', 'unknown reconciliation run',
    'another tenant''s run is not known'
);
SELECT throws_ok(
    format('SELECT attribution.open_reconciliation(%L, %L, %L)', gen_random_uuid(), 'stripe', 'processor'), 'RA004', 'unknown tenant',
    'nor is a tenant that there is not'
);
SELECT is(
    (SELECT count(*) FROM pg_proc AS p
    WHERE p.proname IN ('open_reconciliation', 'start_reconciliation', 'report_revenue', 'compare_revenue', 'fail_reconciliation')
        AND has_function_privilege('attribution_admin', p.oid, 'EXECUTE')
        AND NOT has_function_privilege('attribution_app', p.oid, 'EXECUTE')
        AND NOT has_function_privilege('attribution_reader', p.oid, 'EXECUTE')),
    5::bigint, 'an admin reconciles, apps and readers don''t'
);
SELECT throws_ok(
    'UPDATE attribution.revenue_verifications SET status = status', 'RA001', 'revenue_verifications is append-only: UPDATE refused',
    'what was verified stays'
);
SELECT throws_ok(
    'DELETE FROM attribution.reconciliation_runs', 'RA001', 'reconciliation_runs is append-only: DELETE refused', 'and so do runs'
);

SELECT * FROM finish();
ROLLBACK;
