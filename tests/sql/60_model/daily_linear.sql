-- daily_linear: m touches of one local day share that day's credit 1/m each, then everything is normalised.
BEGIN;
SELECT plan(10);
\ir preview.psql
\ir ../shop.psql

SELECT is(
    pg_temp.credit('daily_linear', 'a@2024-02-28T10:00Z email, b@2024-02-28T11:00Z sms, c@10:00 direct'), 'a 250, b 250, c 500',
    'two touches on one day, one on another: 1/4, 1/4, 1/2'
);
SELECT is(
    pg_temp.credit('daily_linear', 'a@2024-02-27T10:00Z email, b@2024-02-28T11:00Z sms, c@10:00 direct'), 'a 334, b 333, c 333',
    'three days: thirds'
);
SELECT is(
    pg_temp.credit('daily_linear', 'a@2024-02-28T23:59:59.999999Z email, b@2024-02-29T00:00Z sms, c@2024-02-29T23:59:59.999999Z direct, d@00:00 email'),
    'a 333, b 167, c 167, d 333', 'a day ends at midnight, to the microsecond: 1, 1/2, 1/2, 1 of 3'
);

-- The tenant's days: in New York, 1 March begins at 05:00 UTC.
\set night '''a@2024-03-01T04:59:59.999999Z email, b@05:00 sms, c@06:00 direct'''
SELECT is(pg_temp.credit('daily_linear', :night), 'a 334, b 333, c 333', 'one day in UTC');
SELECT is(
    pg_temp.credit('daily_linear', :night, '{"time_zone": "America/New_York"}'), 'a 500, b 250, c 250', 'two in New York: 1, 1/2, 1/2'
);

-- Days of 23 and of 25 hours: Berlin's 31 March 2024 is 30 March 23:00 to 31 March 22:00 UTC, its 27 October 26 October 22:00
-- to 27 October 23:00 UTC.
SELECT is(
    pg_temp.credit('daily_linear',
        'a@2024-03-30T22:59:59.999999Z email, b@2024-03-30T23:00Z sms, c@2024-03-31T21:59:59.999999Z direct, d@2024-03-31T22:00Z email',
        '{"time_zone": "Europe/Berlin"}', p_sale_at => '2024-04-01T12:00Z'),
    'a 333, b 167, c 167, d 333', 'the short day'
);
SELECT is(
    pg_temp.credit('daily_linear',
        'a@2024-10-26T21:59:59.999999Z email, b@2024-10-26T22:00Z sms, c@2024-10-27T22:59:59.999999Z direct, d@2024-10-27T23:00Z email',
        '{"time_zone": "Europe/Berlin"}', p_sale_at => '2024-10-28T12:00Z'),
    'a 333, b 167, c 167, d 333', 'the long day'
);

-- A stored rule takes the tenant's zone, whatever the session's.
UPDATE attribution.tenants SET time_zone = 'Europe/Berlin' WHERE id = :'shop';
SET LOCAL TimeZone = 'Asia/Tokyo';
SELECT pg_temp.rule('daily', 'daily_linear'), pg_temp.touch('a', '2024-03-30 22:59:59.999999+00', 'email'),
    pg_temp.touch('b', '2024-03-30 23:00+00', 'sms'), pg_temp.touch('c', '2024-03-31 21:59:59.999999+00', 'direct'),
    pg_temp.touch('d', '2024-03-31 22:00+00', 'email'), pg_temp.sale('s', '2024-04-01 12:00+00', 1000) \g /dev/null
SELECT is(pg_temp.shares('s', 'daily'), '1 email 333, 2 sms 167, 3 direct 167, 4 email 333', 'a stored rule counts the tenant''s days');

SELECT is(pg_temp.credit('daily_linear', 'a@10:00 email') || '; ' || pg_temp.credit('daily_linear', ''), 'a 1000; - 1000', 'one takes all; none: unattributed');
SELECT is(round(attribution.weight_daily_linear(1), 3) || ' ' || round(attribution.weight_daily_linear(8), 3), '1.000 0.125', 'weight_daily_linear()');

SELECT * FROM finish();
ROLLBACK;
