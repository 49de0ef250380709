-- time_decay: the same shares wherever age is counted from; nothing under- or overflows.
BEGIN;
SELECT plan(8);
\ir preview.psql
\set week_apart '''a@2024-02-16T12:00Z email, b@2024-02-23T12:00Z sms, c@12:00 direct'''

SELECT is(pg_temp.credit('time_decay', :week_apart, p_cents => 1750), 'a 250, b 500, c 1000', '14, 7 and 0 days before the sale: 1/4, 1/2, 1');
SELECT is(
    (SELECT array_agg(DISTINCT pg_temp.credit('time_decay', :week_apart, '{"lookback": "30 years"}', 1750, p_sale_at => s.at))
    FROM unnest(ARRAY['12:00', '12:00:00.000001', '2024-03-09T00:00Z', '2024-09-01T12:00Z', '2044-03-01T12:00Z']) AS s (at)),
    ARRAY['a 250, b 500, c 1000'], 'the same however long before the sale they all were'
);
SELECT is(
    pg_temp.credit('time_decay', 'a@2014-03-01T12:00Z email', '{"lookback": "11 years", "half_life": "1 second"}'), 'a 1000',
    'one touch of ten years ago and a half-life of a second'
);
SELECT is(
    pg_temp.credit('time_decay', 'a@2014-03-01T11:59:58Z email, b@2014-03-01T11:59:59Z sms', '{"lookback": "11 years", "half_life": "1 second"}', 999),
    'a 333, b 666', 'two of ten years ago, a second apart: 1/3 and 2/3'
);
SELECT is(
    pg_temp.credit('time_decay', 'a@2014-03-01T12:00Z email, b@11:59:59 sms, c@12:00 direct', '{"lookback": "11 years", "half_life": "1 second"}', 999),
    'a 0, b 333, c 666', 'one of ten years ago beside two of now: it is in the journey and earns no cent'
);
SELECT is(
    pg_temp.credit('time_decay', 'a@2014-03-01T12:00Z email, b@12:00 sms', '{"lookback": "11 years", "half_life": "100 years"}', 1000000),
    'a 482676, b 517324', 'a long half-life: 0.933024… and 1 of 1.933024…: 482675.89 and 517324.11'
);
SELECT is(
    pg_temp.credit('time_decay', 'a@11:59:59.999999 email, b@12:00 sms', '{"half_life": "1 second"}', 2000000000000),
    'a 999999653426, b 1000000346574', 'a microsecond is a millionth of a second''s half-life: half of it is ln 2 / 4e6'
);
SELECT is(attribution.weight_time_decay(1e300, 1) > 0, true, 'no age is too long for a weight');

SELECT * FROM finish();
ROLLBACK;
