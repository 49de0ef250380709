-- position_based: first, last, the rest shared between; what happens with one touch and with two.
BEGIN;
SELECT plan(15);
\ir ../shop.psql
SELECT pg_temp.rule('u', 'position_based'),
    pg_temp.rule('20/60', 'position_based', '{"first": 0.2, "last": 0.6}'),
    pg_temp.rule('20/60 split', 'position_based', '{"first": 0.2, "last": 0.6, "two_touch": "split_middle"}'),
    pg_temp.rule('20/60 equal', 'position_based', '{"first": 0.2, "last": 0.6, "two_touch": "equal"}'),
    pg_temp.rule('all first', 'position_based', '{"first": 1, "last": 0}'),
    pg_temp.rule('all middle', 'position_based', '{"first": 0, "last": 0}'),
    pg_temp.rule('no middle', 'position_based', '{"first": 0.5, "last": 0.5}') \g /dev/null

SELECT pg_temp.touch('a', '10:00', 'sms'), pg_temp.sale('one', '11:59', 1000) \g /dev/null
SELECT is(pg_temp.shares('one', 'u'), '1 sms 1000', 'one touch takes all');
SELECT is(pg_temp.shares('one', 'all middle'), '1 sms 1000', 'even where first and last get nothing');

SELECT pg_temp.touch('b', '11:00', 'email'), pg_temp.sale('two', '11:59', 1000) \g /dev/null
SELECT is(pg_temp.shares('two', 'u'), '1 sms 500, 2 email 500', 'two touches, 40/20/40, prorate: 50/50');
SELECT is(pg_temp.shares('two', '20/60'), '1 sms 250, 2 email 750', 'two touches, first 20, last 60, prorate: 25/75');
SELECT is(pg_temp.shares('two', '20/60 split'), '1 sms 300, 2 email 700', 'split_middle: 30/70');
SELECT is(pg_temp.shares('two', '20/60 equal'), '1 sms 500, 2 email 500', 'equal: 50/50');
SELECT is(pg_temp.shares('two', 'all first'), '1 sms 1000', 'a touch without a share has no allocation');
SELECT is(pg_temp.shares('two', 'all middle'), '1 sms 500, 2 email 500', 'nothing to prorate by: 50/50');

SELECT pg_temp.touch('c', '11:30', 'direct'), pg_temp.sale('three', '11:59', 1000) \g /dev/null
SELECT is(pg_temp.shares('three', 'u'), '1 sms 400, 2 email 200, 3 direct 400', 'three touches: 40, 20, 40');
SELECT is(pg_temp.shares('three', '20/60'), '1 sms 200, 2 email 200, 3 direct 600', '20, 20, 60');
SELECT is(pg_temp.shares('three', 'all middle'), '2 email 1000', '0, 100, 0');
SELECT is(pg_temp.shares('three', 'no middle'), '1 sms 500, 3 direct 500', '50, 0, 50');

SELECT pg_temp.touch('d', '11:40', 'phone'), pg_temp.touch('e', '11:50', 'organic'), pg_temp.sale('five', '11:59', 1000) \g /dev/null
SELECT is(
    pg_temp.shares('five', 'u'), '1 sms 400, 2 email 67, 3 direct 67, 4 phone 66, 5 organic 400',
    'five touches: 40, three times 20/3, 40; the odd cents to the earliest'
);
SELECT is(
    pg_temp.shares('five', '20/60'), '1 sms 200, 2 email 67, 3 direct 67, 4 phone 66, 5 organic 600', '20, three times 20/3, 60'
);
SELECT is(
    (SELECT string_agg(reason, '; ' ORDER BY a."position") FROM attribution.attribution_allocations AS a
    WHERE a.event_id = pg_temp.id('three') AND a.is_book),
    'position_based: first of 3 touches, 40.00%; position_based: touch 2 of 3, 20.00%; position_based: last of 3 touches, 40.00%',
    'the reasons say it in words'
);

SELECT * FROM finish();
ROLLBACK;
