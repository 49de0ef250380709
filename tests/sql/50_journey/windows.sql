-- lookback with per_channel and per_event_type, the lists of channels, dedupe, and touches whose time is unknown.
BEGIN;
SELECT plan(35);
\ir ../shop.psql
\ir events.psql
\ir ../60_model/preview.psql
SELECT pg_temp.rule('channel', 'linear', '{"lookback": "1 day", "per_channel": {"email": "1 hour", "sms": "3 days", "phone": "0 days"}}'),
    pg_temp.rule('type', 'linear', '{"lookback": "1 hour", "per_event_type": {"call": "2 days", "visit": "30 minutes"}}'),
    pg_temp.rule('mixed', 'linear', '{"lookback": "1 hour", "per_channel": {"email": "3 hours"}, "per_event_type": {"call": "6 hours"}}'),
    pg_temp.rule('month', 'linear', '{"lookback": "30 days", "per_channel": {"email": "1 month"}}'),
    pg_temp.rule('not direct', 'linear', '{"exclude_channels": ["direct", "email"]}'),
    pg_temp.rule('only', 'linear', '{"only_channels": ["sms", "email"]}'),
    pg_temp.rule('neither', 'linear', '{"only_channels": ["sms", "email"], "exclude_channels": ["email"]}'),
    pg_temp.rule('nobody', 'linear', '{"only_channels": ["referral"]}'),
    pg_temp.rule('once', 'linear', '{"dedupe": "channel"}'),
    pg_temp.rule('once in 3 h', 'linear', '{"dedupe": "channel", "lookback": "3 hours"}'),
    pg_temp.rule('position once', 'position_based', '{"dedupe": "channel"}') \g /dev/null

-- The edges of each window.
SELECT pg_temp.event('e-', 'click', '10:59:59.999999', 1, 'email'), pg_temp.event('e', 'click', '11:00', 1, 'email'),
    pg_temp.event('s-', 'click', '2024-02-27 11:59:59.999999+00', 1, 'sms'), pg_temp.event('s', 'click', '2024-02-27 12:00+00', 1, 'sms'),
    pg_temp.event('p-', 'click', '11:59:59.999999', 1, 'phone'), pg_temp.event('p', 'click', '12:00', 1, 'phone'),
    pg_temp.event('d-', 'click', '2024-02-29 11:59:59.999999+00', 1, 'direct'), pg_temp.event('d', 'click', '2024-02-29 12:00+00', 1, 'direct'),
    pg_temp.sale('sale', '12:00', 400) \g /dev/null
SELECT is(pg_temp.credited('sale', 'channel'), 's 100, d 100, e 100, p 100', 'per_channel: longer, shorter and no window, each to the microsecond');
SELECT pg_temp.event('c-', 'call', '2024-02-28 11:59:59.999999+00', 2, 'phone'), pg_temp.event('c', 'call', '2024-02-28 12:00+00', 2, 'phone'),
    pg_temp.event('v-', 'visit', '11:29:59.999999', 2, 'email'), pg_temp.event('v', 'visit', '11:30', 2, 'email'),
    pg_temp.event('k-', 'click', '10:59:59.999999', 2, 'email'), pg_temp.event('k', 'click', '11:00', 2, 'email'), pg_temp.sale('sale2', '12:00', 300, 'USD', 2) \g /dev/null
SELECT is(pg_temp.credited('sale2', 'type'), 'c 100, k 100, v 100', 'per_event_type too');
SELECT pg_temp.event('call by email', 'call', '08:00', 3, 'email'), pg_temp.event('call by phone', 'call', '08:00:01', 3, 'phone'),
    pg_temp.event('click', 'click', '09:00', 3, 'email'), pg_temp.sale('sale3', '12:00', 200, 'USD', 3) \g /dev/null
SELECT is(pg_temp.credited('sale3', 'mixed'), 'call by phone 100, click 100', 'a channel''s window goes before that of the type');
SELECT pg_temp.touch('31 days', '2024-07-01 12:00+00', 'email', 4), pg_temp.touch('31 days sms', '2024-07-01 12:00+00', 'sms', 4),
    pg_temp.sale('sale4', '2024-08-01 12:00+00', 100, 'USD', 4) \g /dev/null
SELECT is(pg_temp.credited('sale4', 'month'), '31 days 100', 'July''s month is 31 days long, longer than 30 days');

-- Lists of channels: exact codes.
SELECT pg_temp.touch('l1', '08:00', 'email', 5), pg_temp.touch('l2', '09:00', 'sms', 5), pg_temp.touch('l3', '10:00', 'direct', 5), pg_temp.touch('l4', '11:00', 'email', 5),
    pg_temp.sale('sale5', '12:00', 300, 'USD', 5) \g /dev/null
SELECT is(pg_temp.credited('sale5', 'not direct'), 'l2 300', 'exclude_channels');
SELECT is(pg_temp.credited('sale5', 'only'), 'l1 100, l2 100, l4 100', 'only_channels');
SELECT is(pg_temp.credited('sale5', 'neither'), 'l2 300', 'both');
SELECT is(pg_temp.credited('sale5', 'nobody'), '- 300', 'none of the channels is there: unattributed, not dropped');
SELECT is(pg_temp.credited('sale5', 'once'), 'l1 100, l2 100, l3 100', 'dedupe channel: each channel once, its first touch');
SELECT is(pg_temp.credited('sale5', 'once in 3 h'), 'l2 100, l3 100, l4 100', 'its first in the window');
SELECT is(pg_temp.credited('sale5', 'position once'), 'l1 120, l2 60, l3 120', 'positions are counted after that: 40, 20, 40 of three');
SELECT is(pg_temp.credited('sale5', 'linear'), 'l1 75, l2 75, l3 75, l4 75', 'dedupe touch, the default: every touch');

\set ads '''a@08:00 google, b@09:00 google_ads, c@10:00 GOOGLE'''
SELECT is(pg_temp.credit('linear', :ads, '{"only_channels": ["google"]}'), 'a 1000', 'google never matches google_ads: only_channels');
SELECT is(pg_temp.credit('linear', :ads, '{"exclude_channels": ["google"]}'), 'b 500, c 500', 'exclude_channels');
SELECT is(pg_temp.credit('linear', :ads, '{"per_channel": {"google": "1 hour"}}'), 'b 500, c 500', 'per_channel');
SELECT is(pg_temp.credit('linear', :ads, '{"dedupe": "channel"}'), 'a 334, b 333, c 333', 'dedupe');
SELECT is(pg_temp.credit('last_non_direct', 'a@08:00 email, b@09:00 direct_mail, c@10:00 direct'), 'a 0, b 1000, c 0', 'direct never matches direct_mail');

-- The same through a preview.
SELECT is(
    pg_temp.credit('linear', 'a@10:59:59.999999 email, b@11:00 email, c@12:00 sms, d@12:00:00.000001 sms', '{"lookback": "1 hour"}'), 'b 500, c 500',
    'a preview has the same edges: exactly lookback old and the sale''s microsecond count'
);
SELECT is(
    pg_temp.credit('linear', 'a@09:00 email type=call, b@09:00 phone type=call, c@08:59:59.999999 phone type=call',
        '{"lookback": "1 hour", "per_channel": {"email": "2 hours"}, "per_event_type": {"call": "3 hours"}}'), 'b 1000', 'and the same windows'
);

-- Touches whose time is unknown.
\set unknown '''a@10:00 email, b@? sms, c@11:00 direct'''
SELECT is(pg_temp.credit('time_decay', :unknown, '{"half_life": "1 hour"}', 900), 'a 300, c 600', 'exclude, the default');
SELECT is(pg_temp.credit('time_decay', :unknown, '{"half_life": "1 hour", "missing_timestamp": "exclude"}', 900), 'a 300, c 600', 'exclude');
SELECT is(pg_temp.credit('time_decay', :unknown, '{"half_life": "1 hour", "missing_timestamp": "uniform"}', 900), 'a 300, c 300, b 300', 'uniform: all alike');
SELECT is(pg_temp.credit('time_decay', :unknown, '{"half_life": "1 hour", "missing_timestamp": "reject"}', 900), 'a 0, c 0, b 0, - 900', 'reject: unattributed');
SELECT is(pg_temp.credit('daily_linear', :unknown, '{}', 900), 'a 450, c 450', 'daily_linear looks at time too: exclude');
SELECT is(pg_temp.credit('daily_linear', :unknown, '{"missing_timestamp": "uniform"}', 900), 'a 300, c 300, b 300', 'uniform');
SELECT is(pg_temp.credit('daily_linear', :unknown, '{"missing_timestamp": "reject"}', 900), 'a 0, c 0, b 0, - 900', 'reject');
SELECT is(
    pg_temp.credit('time_decay', 'a@10:00 email, b@11:00 sms', '{"half_life": "1 hour", "missing_timestamp": "reject"}', 900)
    || '; ' || pg_temp.credit('time_decay', 'a@10:00 email, b@11:00 sms', '{"half_life": "1 hour", "missing_timestamp": "uniform"}', 900),
    'a 300, b 600; a 300, b 600', 'neither touches a journey whose times are known'
);
SELECT is(pg_temp.credit('time_decay', 'b@? sms', '{}', 900), '- 900', 'nothing but unknown times: unattributed');
SELECT is(pg_temp.credit('linear', :unknown, '{}', 900), 'a 300, c 300, b 300', 'other models take the receiving time');
SELECT is(
    (SELECT string_agg(DISTINCT e.path, ' ') FROM attribution.validate_rule('{"name": "x", "model_type": "linear", "config": {"missing_timestamp": "reject"}}') AS e),
    '$.config.missing_timestamp', 'and have no such option'
);

-- Stored: an event without occurred_at is one whose time is unknown.
SELECT pg_temp.rule('exclude', 'time_decay'), pg_temp.rule('uniform', 'time_decay', '{"missing_timestamp": "uniform"}'),
    pg_temp.rule('reject', 'time_decay', '{"missing_timestamp": "reject"}'), pg_temp.touch('known', (now() - interval '7 days')::text, 'email', 6),
    pg_temp.touch('unknown', NULL, 'sms', 6), pg_temp.sale('sale6', (now() + interval '1 hour')::text, 100, 'USD', 6) \g /dev/null
SELECT is(pg_temp.credited('sale6', 'exclude'), 'known 100', 'stored, exclude');
SELECT is(pg_temp.credited('sale6', 'uniform'), 'known 50, unknown 50', 'stored, uniform');
SELECT is(pg_temp.credited('sale6', 'reject'), '- 100', 'stored, reject');
SELECT is(pg_temp.credited('sale6', 'last_touch'), 'unknown 100', 'stored, a model that knows only the order');

CALL attribution.run_pending();
SELECT is((SELECT changed FROM attribution.rebuild(:'shop')), 0::bigint, 'a rebuild changes nothing');

SELECT * FROM finish();
ROLLBACK;
