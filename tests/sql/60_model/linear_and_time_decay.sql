-- linear: alike. time_decay: half the weight per half-life, counted from the last touch.
BEGIN;
SELECT plan(12);
\ir ../shop.psql
SELECT pg_temp.rule('even', 'linear'), pg_temp.rule('week', 'time_decay'), pg_temp.rule('day', 'time_decay', '{"half_life": "1 day"}'),
    pg_temp.rule('second', 'time_decay', '{"half_life": "1 second"}') \g /dev/null

SELECT pg_temp.touch('a', '2024-02-16 12:00+00', 'sms'), pg_temp.touch('b', '2024-02-23 12:00+00', 'email'),
    pg_temp.touch('c', '2024-03-01 12:00+00', 'direct'), pg_temp.sale('s', '2024-03-02 00:00+00', 1750) \g /dev/null
SELECT is(pg_temp.shares('s', 'even'), '1 sms 584, 2 email 583, 3 direct 583', 'linear: thirds of 1750, the odd cent to the first');
SELECT is(
    pg_temp.shares('s', 'week'), '1 sms 250, 2 email 500, 3 direct 1000', 'time_decay: 14, 7 and 0 days before the last weigh 1/4, 1/2 and 1'
);
SELECT is(
    pg_temp.shares('s', 'day'), '1 sms 0, 2 email 14, 3 direct 1736',
    'a half-life of a day: 2^-14, 2^-7 and 1 of 1.00787…: 0.106, 13.565 and 1736.329 cents'
);
SELECT is(
    pg_temp.shares('s', 'second'), '1 sms 0, 2 email 0, 3 direct 1750', 'many half-lives old weighs next to nothing, and nothing breaks'
);
SELECT results_eq(
    format($$SELECT allocation_ratio FROM attribution.attribution_allocations AS a
        JOIN attribution.attribution_rules AS r ON r.tenant_id = a.tenant_id AND r.id = a.rule_id AND r.name = 'week'
        WHERE a.event_id = %L ORDER BY a."position"$$, pg_temp.id('s')),
    'VALUES (0.142857142857), (0.285714285714), (0.571428571429)', 'ratios keep 12 decimals'
);

SELECT pg_temp.touch('d', '10:00', 'sms', 2), pg_temp.touch('e', '10:00', 'email', 2), pg_temp.sale('same', '11:00', 100, 'USD', 2) \g /dev/null
SELECT is(pg_temp.shares('same', 'week'), '1 sms 50, 2 email 50', 'touches of one microsecond weigh alike');
SELECT pg_temp.touch('f', '10:00', 'sms', 3), pg_temp.sale('one', '11:00', 100, 'USD', 3) \g /dev/null
SELECT is(pg_temp.shares('one', 'even') || '; ' || pg_temp.shares('one', 'week'), '1 sms 100; 1 sms 100', 'one touch takes all');
SELECT pg_temp.sale('none', '11:00', 100, 'USD', 4) \g /dev/null
SELECT is(
    pg_temp.shares('none', 'even') || '; ' || pg_temp.shares('none', 'week'), '0 unattributed 100; 0 unattributed 100', 'none: unattributed'
);

SELECT is(attribution.weight_linear(), 1::numeric, 'weight_linear()');
SELECT is(attribution.weight_time_decay(0, 60), 1::numeric, 'weight_time_decay(): the last touch weighs 1');
SELECT is(attribution.weight_time_decay(60, 60) || ' ' || attribution.weight_time_decay(180, 60), '0.5 0.125', 'half per half-life');
SELECT cmp_ok(attribution.weight_time_decay(1e12, 1e-6), '>', 0::numeric, 'and never 0');

SELECT * FROM finish();
ROLLBACK;
