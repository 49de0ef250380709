-- journeys(): which touches count, to the microsecond, in which order; a conversion without one has a row of its own.
BEGIN;
SELECT plan(18);
\ir ../shop.psql
SELECT pg_temp.rule('hour', 'linear', '{"lookback": "1 hour"}'), pg_temp.rule('day', 'linear', '{"lookback": "1 day"}'),
    pg_temp.rule('none', 'linear', '{"lookback": "0 days"}') \g /dev/null

CREATE FUNCTION pg_temp.journey(p_key text, p_rule text) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(coalesce(e.idempotency_key, 'none'), ' ' ORDER BY j."position")
    FROM attribution.journeys(attribution.current_tenant(), ARRAY[pg_temp.id(p_key)]) AS j
    JOIN attribution.attribution_rules AS r ON r.tenant_id = attribution.current_tenant() AND r.id = j.rule_id AND r.name = p_rule
    LEFT JOIN attribution.attribution_events AS e ON e.tenant_id = attribution.current_tenant() AND e.id = j.touch_id
$$;

-- Edges: session 1, conversion at 12:00 sharp.
SELECT pg_temp.touch('older', '10:59:59.999999'), pg_temp.touch('edge', '11:00'), pg_temp.touch('same', '12:00'),
    pg_temp.touch('after', '12:00:00.000001'), pg_temp.sale('sale', '12:00', 100) \g /dev/null
SELECT is(pg_temp.journey('sale', 'hour'), 'edge same', 'a touch exactly one lookback old counts, and one in the conversion''s own microsecond');
SELECT is(pg_temp.journey('sale', 'day'), 'older edge same', 'one that is a microsecond older is out of the window, not lost');
SELECT is(pg_temp.journey('sale', 'none'), 'same', 'a lookback of 0 leaves the conversion''s own microsecond');
SELECT is(
    (SELECT min(j."position") || ' ' || max(j."position") || ' ' || max(j.touches) || ' ' || count(DISTINCT j.rule_id)
    FROM attribution.journeys(:'shop', ARRAY[pg_temp.id('sale')]) AS j WHERE j.touches = 3),
    '1 3 3 4', 'positions count from 1 to the number of touches, under each rule alone'
);
SELECT is_empty(
    format('SELECT 1 FROM attribution.journeys(%L, ARRAY[%L]::uuid[])', :'shop', pg_temp.id('edge')), 'a touch has no journey'
);
SELECT is_empty(
    format('SELECT 1 FROM attribution.journeys(%L, ARRAY[%L]::uuid[])', gen_random_uuid(), pg_temp.id('sale')),
    'nor has another tenant''s conversion'
);

-- Sessions and nothing at all.
SELECT pg_temp.touch('elsewhere', '11:30', 'email', 3), pg_temp.sale('lonely', '12:00', 100, 'USD', 2) \g /dev/null
SELECT is(pg_temp.journey('lonely', 'day'), 'none', 'another session''s touches do not count');
SELECT is(
    (SELECT j."position" || ' ' || j.touches FROM attribution.journeys(:'shop', ARRAY[pg_temp.id('lonely')]) AS j LIMIT 1), '1 0',
    'a conversion without touches has one row, with 0 touches'
);

-- Order: by time, then by id.
INSERT INTO attribution.attribution_events (id, event_type, session_id, occurred_at, idempotency_key, channel) VALUES
('00000000-0000-7000-8000-000000000003', 'click', lpad('4', 32, '0')::uuid, '2024-03-01 11:00+00', 'c', 'email'),
('00000000-0000-7000-8000-000000000001', 'click', lpad('4', 32, '0')::uuid, '2024-03-01 11:00+00', 'a', 'direct'),
('00000000-0000-7000-8000-000000000002', 'click', lpad('4', 32, '0')::uuid, '2024-03-01 11:00+00', 'b', 'sms'),
('00000000-0000-7000-8000-000000000009', 'click', lpad('4', 32, '0')::uuid, '2024-03-01 10:59+00', 'first', 'sms');
SELECT pg_temp.sale('tied', '11:30', 100, 'USD', 4) \g /dev/null
SELECT is(pg_temp.journey('tied', 'day'), 'first a b c', 'touches are in the order of time, ties in the order of ids');
SELECT results_eq(
    format('SELECT non_direct_position, non_direct_touches, seconds_before_last FROM attribution.journeys(%L, ARRAY[%L]::uuid[]) AS j '
        'JOIN attribution.attribution_rules AS r ON r.tenant_id = %1$L AND r.id = j.rule_id AND r.name = ''day'' ORDER BY j."position"',
        :'shop', pg_temp.id('tied')),
    'VALUES (1, 3, 60::float8), (1, 3, 0), (2, 3, 0), (3, 3, 0)', 'what models look at is counted up to each touch, and over all'
);
SELECT pg_temp.touch('sale2 is no touch', '11:10', 'email', 5), pg_temp.sale('sale1', '11:20', 100, 'USD', 5),
    pg_temp.sale('sale2', '11:30', 100, 'USD', 5) \g /dev/null
SELECT is(pg_temp.journey('sale2', 'day'), 'sale2 is no touch', 'a conversion is not a touch; touches are kept after one');

-- A day is 24 hours: Berlin put its clocks forward at 01:00 UTC on 31 March 2024, and back on 27 October.
SET LOCAL TimeZone = 'Europe/Berlin';
SELECT pg_temp.touch('24 h', '2024-03-30 12:00+00', 'email', 6), pg_temp.touch('25 h', '2024-03-30 11:00+00', 'email', 6),
    pg_temp.touch('23 h', '2024-03-30 13:00+00', 'email', 6), pg_temp.sale('spring', '2024-03-31 12:00+00', 100, 'USD', 6),
    pg_temp.touch('24 h b', '2024-10-26 12:00+00', 'email', 7), pg_temp.touch('25 h b', '2024-10-26 11:00+00', 'email', 7),
    pg_temp.sale('autumn', '2024-10-27 12:00+00', 100, 'USD', 7) \g /dev/null
SELECT is(pg_temp.journey('spring', 'day'), '24 h 23 h', 'a day back over the spring change is 24 hours');
SELECT is(pg_temp.journey('autumn', 'day'), '24 h b', 'and over the autumn change');
SET LOCAL TimeZone = 'America/New_York';
SELECT is(pg_temp.journey('spring', 'day') || pg_temp.journey('autumn', 'day'), '24 h 23 h24 h b', 'whatever zone the session is in');
SET LOCAL IntervalStyle = 'sql_standard';
SET LOCAL DateStyle = 'German';
SELECT is(pg_temp.journey('spring', 'day'), '24 h 23 h', 'and whatever style');

-- The book: of the rules that apply, is_book, lowest priority number, oldest.
CREATE FUNCTION pg_temp.book(p_key text) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(DISTINCT r.name, ' ')
    FROM attribution.journeys(attribution.current_tenant(), ARRAY[pg_temp.id(p_key)]) AS j
    JOIN attribution.attribution_rules AS r ON r.tenant_id = attribution.current_tenant() AND r.id = j.rule_id
    WHERE j.is_book
$$;
SELECT is(pg_temp.book('sale'), 'position_based_30d', 'one rule is the book');
SELECT pg_temp.rule('later', 'linear', p_is_book => true), pg_temp.rule('euro', 'linear', '{}', '{"currencies": ["EUR"]}', true, 1) \g /dev/null
SELECT is(pg_temp.book('sale'), 'position_based_30d', 'the oldest of equal priority, and only one that applies');
SELECT pg_temp.rule('first', 'linear', p_is_book => true, p_priority => 99), pg_temp.rule('shadow', 'linear', p_priority => 1) \g /dev/null
SELECT is(pg_temp.book('sale'), 'first', 'the lowest priority number goes first, a shadow rule never');

SELECT * FROM finish();
ROLLBACK;
