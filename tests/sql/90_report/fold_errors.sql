-- fold_summaries() and rebuild_summaries(): who may call them, and for whom.
BEGIN;
SELECT plan(8);
\ir ../shop.psql

SELECT throws_ok(
    $$SELECT attribution.fold_summaries('00000000-0000-0000-0000-000000000000')$$, 'RA004', 'unknown tenant', 'an unknown tenant cannot be folded'
);
SELECT throws_ok(
    $$SELECT attribution.rebuild_summaries('00000000-0000-0000-0000-000000000000')$$, 'RA004', 'unknown tenant', 'nor rebuilt'
);
SELECT tenant_id AS other FROM attribution.create_tenant('Other', 'ops@other.example') \gset
SELECT attribution.bind_login(session_user, :'other');
SELECT throws_ok(format('SELECT attribution.fold_summaries(%L)', :'shop'), 'RA009', NULL, 'a bound login folds its own tenant');
SELECT throws_ok(format('SELECT attribution.rebuild_summaries(%L)', :'shop'), 'RA009', NULL, 'and rebuilds its own');
SELECT is(attribution.fold_summaries(), 1::bigint, 'of all tenants, those that it may work for');
SELECT results_eq('SELECT tenant_id FROM attribution.summary_states', format('VALUES (%L::uuid)', :'other'), 'no other');
DELETE FROM attribution.tenant_logins;

SET LOCAL ROLE attribution_app;
SELECT throws_ok('SELECT attribution.fold_summaries()', '42501', NULL, 'an app folds nothing');
SELECT throws_ok(format('SELECT attribution.rebuild_summaries(%L)', :'shop'), '42501', NULL, 'and rebuilds nothing');
RESET ROLE;

SELECT * FROM finish();
ROLLBACK;
