-- first_touch, last_touch, last_non_direct: one touch takes all.
BEGIN;
SELECT plan(13);
\ir ../shop.psql
SELECT pg_temp.rule('first', 'first_touch'), pg_temp.rule('last', 'last_touch'), pg_temp.rule('lnd', 'last_non_direct') \g /dev/null

SELECT pg_temp.touch('a', '10:00', 'sms'), pg_temp.touch('b', '10:30', 'email'), pg_temp.touch('c', '11:00', 'direct'),
    pg_temp.touch('d', '11:30', 'direct'), pg_temp.sale('s', '12:00', 999) \g /dev/null
SELECT is(pg_temp.shares('s', 'first'), '1 sms 999', 'first_touch: all to the first');
SELECT is(pg_temp.shares('s', 'last'), '4 direct 999', 'last_touch: all to the last');
SELECT is(pg_temp.shares('s', 'lnd'), '2 email 999', 'last_non_direct: all to the last that is not direct');

SELECT pg_temp.touch('e', '10:00', 'direct', 2), pg_temp.touch('f', '10:30', 'direct', 2), pg_temp.sale('s2', '12:00', 999, 'USD', 2) \g /dev/null
SELECT is(pg_temp.shares('s2', 'lnd'), '2 direct 999', 'last_non_direct: all direct, the last');

SELECT pg_temp.touch('g', '10:00', 'direct', 3), pg_temp.touch('h', '10:30', 'email', 3), pg_temp.sale('s3', '12:00', 999, 'USD', 3) \g /dev/null
SELECT is(pg_temp.shares('s3', 'lnd'), '2 email 999', 'last_non_direct: the last, when it is not direct');

SELECT pg_temp.touch('i', '10:00', 'email', 4), pg_temp.sale('s4', '12:00', 1, 'USD', 4) \g /dev/null
SELECT is(
    pg_temp.shares('s4', 'first') || '; ' || pg_temp.shares('s4', 'last') || '; ' || pg_temp.shares('s4', 'lnd'),
    '1 email 1; 1 email 1; 1 email 1', 'one touch takes all under each'
);
SELECT pg_temp.sale('s5', '12:00', 999, 'USD', 5) \g /dev/null
SELECT is(
    pg_temp.shares('s5', 'first') || '; ' || pg_temp.shares('s5', 'last') || '; ' || pg_temp.shares('s5', 'lnd'),
    '0 unattributed 999; 0 unattributed 999; 0 unattributed 999', 'no touch: unattributed under each'
);
SELECT is(
    (SELECT reason FROM attribution.attribution_allocations WHERE event_id = pg_temp.id('s5') AND model_version = 'first_touch/1'),
    'first_touch: no touch within the lookback window, 100.00%', 'and the reason says why'
);
SELECT pg_temp.touch('z', '12:00', 'email', 6), pg_temp.sale('zero', '12:00', 0, 'USD', 6) \g /dev/null
SELECT is(pg_temp.shares('zero', 'first'), '1 email 0', 'a sale of nothing is credited with nothing');

SELECT is(attribution.weight_first_touch(1) || ' ' || attribution.weight_first_touch(2), '1 0', 'weight_first_touch()');
SELECT is(attribution.weight_last_touch(1, 2) || ' ' || attribution.weight_last_touch(2, 2), '0 1', 'weight_last_touch()');
SELECT is(
    attribution.weight_last_non_direct(2, 3, 'email', 2, 2) || ' ' || attribution.weight_last_non_direct(3, 3, 'direct', 2, 2),
    '1 0', 'weight_last_non_direct()'
);
SELECT is(
    attribution.touch_weight(
        'no_such_model', 1, 1, 'email', 1, 1, 0, 1, 0.4, 0.4, 'prorate', 0, 0, 1, 1, 1, '0 s', 'attribution.none', '{}'
    ), NULL, 'an unknown model has no weight'
);

SELECT * FROM finish();
ROLLBACK;
