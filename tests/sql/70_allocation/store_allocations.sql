-- store_allocations() and describe_share(): a change supersedes and replaces, no change writes nothing.
BEGIN;
SELECT plan(13);
\ir ../shop.psql
SELECT pg_temp.touch('a', '10:00', 'sms'), pg_temp.sale('s', '12:00', 100) \g /dev/null
SELECT is((SELECT count(*) FROM attribution.attribution_allocations), 3::bigint, 'one touch under three rules');
SELECT is(
    attribution.store_allocations(:'shop', ARRAY[pg_temp.id('s')]), '{}'::uuid[], 'again: nothing has changed'
);
SELECT is((SELECT count(*) FROM attribution.attribution_allocations), 3::bigint, 'and nothing is written');

SELECT pg_temp.touch('b', '11:00', 'email') \g /dev/null
SELECT is(
    attribution.store_allocations(:'shop', ARRAY[pg_temp.id('s')]), ARRAY[pg_temp.id('s')], 'one more touch changes the conversion'
);
SELECT is(pg_temp.shares('s', 'linear'), '1 sms 50, 2 email 50', 'linear: both have half');
SELECT is(pg_temp.shares('s', 'last_touch'), '2 email 100', 'last_touch: the later has all');
SELECT is(
    (SELECT string_agg(channel_code || ' ' || allocated_revenue_cents || ' ' || (superseded_at IS NOT NULL), ', ' ORDER BY model_version)
    FROM attribution.attribution_allocations WHERE superseded_at IS NOT NULL),
    'sms 100 true, sms 100 true, sms 100 true', 'the old shares are kept, superseded, with the amounts they had'
);
SELECT is(attribution.store_allocations(:'shop', '{}'), '{}'::uuid[], 'no conversion, no change');

SELECT pg_temp.rule('more', 'first_touch') \g /dev/null
SELECT is(
    attribution.store_allocations(:'shop', ARRAY[pg_temp.id('s')]), ARRAY[pg_temp.id('s')], 'a new rule is computed for old conversions'
);
UPDATE attribution.attribution_rules SET status = 'retired' WHERE name = 'more';
SELECT attribution.store_allocations(:'shop', ARRAY[pg_temp.id('s')]) \g /dev/null
SELECT is(pg_temp.shares('s', 'more'), NULL, 'and a retired one is superseded');
SELECT is(pg_temp.shares('s', 'linear'), '1 sms 50, 2 email 50', 'the others stay');

SELECT is(
    (SELECT array_agg(attribution.describe_share('m', p, n, r)) FROM (VALUES
        (0, 0, 1), (0, 3, 1), (1, 1, 1), (1, 3, 0.4), (2, 3, 0.2), (3, 3, 1 / 3.0)
    ) AS v (p, n, r)),
    ARRAY['m: no touch within the lookback window, 100.00%', 'm: earned by none of 3 touches, 100.00%', 'm: the only touch, 100.00%',
        'm: first of 3 touches, 40.00%', 'm: touch 2 of 3, 20.00%', 'm: last of 3 touches, 33.33%'],
    'describe_share() says it for people'
);
SELECT is(
    (SELECT count(DISTINCT created_at) FROM attribution.attribution_allocations WHERE superseded_at IS NULL), 1::bigint,
    'shares made together carry one time'
);

SELECT * FROM finish();
ROLLBACK;
