-- on_repeat: under keep each sale credits the whole journey, under reset only what came after the previous sale.
BEGIN;
SELECT plan(18);
\ir ../shop.psql
\ir events.psql
SELECT pg_temp.rule('keep', 'linear', '{"on_repeat": "keep"}'), pg_temp.rule('reset', 'linear', '{"on_repeat": "reset"}'),
    pg_temp.rule('both', 'linear', '{"on_repeat": "reset", "cutoff": "first_contact"}') \g /dev/null

SELECT pg_temp.touch('a', '08:00', 'email'), pg_temp.touch('same', '09:00', 'phone'), pg_temp.touch('b', '09:00:00.000001', 'sms'), pg_temp.touch('c', '11:00', 'direct'),
    pg_temp.touch('d', '13:00', 'organic'), pg_temp.sale('one', '09:00', 1000), pg_temp.sale('two', '12:00', 1000), pg_temp.sale('three', '12:30', 1000) \g /dev/null
SELECT is(pg_temp.credited('one', 'keep'), 'a 500, same 500', 'keep, the first sale');
SELECT is(pg_temp.credited('one', 'reset'), 'a 500, same 500', 'reset, the first sale: the same');
SELECT is(pg_temp.credited('two', 'keep'), 'a 250, same 250, b 250, c 250', 'keep, the second: the whole journey');
SELECT is(pg_temp.credited('two', 'reset'), 'b 500, c 500', 'reset, the second: what came after the first, from the next microsecond on');
SELECT is(pg_temp.credited('three', 'keep'), 'a 250, same 250, b 250, c 250', 'keep, the third');
SELECT is(pg_temp.credited('three', 'reset'), '- 1000', 'reset, the third: nothing came between, unattributed');
SELECT is(pg_temp.credited('two', 'both'), 'b 334, c 333, d 333', 'reset bounds first_contact from below only');

-- Sales of one microsecond are in the order of their ids.
INSERT INTO attribution.attribution_events (id, event_type, session_id, occurred_at, idempotency_key, conversion_value_cents, currency) VALUES
('00000000-0000-7000-8000-000000000001', 'purchase', lpad('2', 32, '0')::uuid, pg_temp.at('12:00'), 'low', 100, 'USD'),
('00000000-0000-7000-8000-000000000002', 'purchase', lpad('2', 32, '0')::uuid, pg_temp.at('12:00'), 'high', 100, 'USD');
SELECT pg_temp.touch('e', '11:00', 'email', 2) \g /dev/null
CALL attribution.run_pending();
SELECT is(pg_temp.credited('low', 'reset'), 'e 100', 'of two sales at once, the lower id has the touches');
SELECT is(pg_temp.credited('high', 'reset'), '- 100', 'and the higher none');
SELECT is(pg_temp.credited('high', 'keep'), 'e 100', 'but under keep');

-- Only conversions reset, and only the session's own.
SELECT pg_temp.event('lead', 'lead_created', '09:00', 3), pg_temp.touch('f', '08:00', 'email', 3), pg_temp.touch('g', '11:00', 'sms', 3),
    pg_temp.sale('other', '09:30', 100, 'USD', 4), pg_temp.sale('s3', '12:00', 100, 'USD', 3) \g /dev/null
SELECT is(pg_temp.credited('s3', 'reset'), 'f 50, g 50', 'neither a milestone nor another session''s sale resets');

-- A sale that arrives late takes its touches from the later one.
SELECT pg_temp.sale('late', '10:00', 100, 'USD', 3) \g /dev/null
CALL attribution.run_pending();
SELECT is(pg_temp.credited('late', 'reset'), 'f 100', 'a late sale has what came before it');
SELECT is(pg_temp.credited('s3', 'reset'), 'g 100', 'and the later sale what came after');
SELECT is(pg_temp.credited('s3', 'keep'), 'f 50, g 50', 'keep sees no difference');
SELECT pg_temp.sale('zero', '11:00', 0, 'USD', 3) \g /dev/null
CALL attribution.run_pending();
SELECT is(pg_temp.credited('s3', 'reset'), '- 100', 'a sale of nothing is a sale');
SELECT is((SELECT changed FROM attribution.rebuild(:'shop')), 0::bigint, 'a rebuild changes nothing');
SELECT is_empty(format('SELECT check_name, detail FROM attribution.verify(%L)', :'shop'), 'and verify() finds nothing wrong');

SELECT is(
    (SELECT string_agg(a.touch_id || ' ' || a.allocated_revenue_cents, ', ' ORDER BY a."position") FROM attribution.preview_allocation(
        'linear', '{"on_repeat": "reset"}',
        '{"value_cents": 100, "currency": "USD", "occurred_at": "2024-03-01T12:00Z", "milestones": {"first_paid": "2024-03-01T09:00Z"}}',
        '[{"id": "a", "channel": "email", "occurred_at": "2024-03-01T09:00Z"}, {"id": "b", "channel": "sms", "occurred_at": "2024-03-01T09:00:00.000001Z"}]'
    ) AS a), 'b 100', 'a preview knows the previous sale from its milestones'
);

SELECT * FROM finish();
ROLLBACK;
