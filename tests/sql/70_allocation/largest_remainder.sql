-- compute_allocations(): exact cents by largest remainder; ties to the earliest; nothing negative, nothing lost, at any size.
BEGIN;
SELECT plan(15);
\ir ../shop.psql
SELECT pg_temp.rule('even', 'linear'), pg_temp.rule('ends', 'position_based', '{"first": 0.5, "last": 0.5}'),
    pg_temp.rule('decay', 'time_decay', '{"half_life": "1 hour"}') \g /dev/null
-- n touches a minute apart in session n, from 06:00 on
SELECT pg_temp.touch(format('%s.%s', n, i), to_char('06:00'::time + (i || ' min')::interval, 'HH24:MI'), 'email', n)
FROM unnest(ARRAY[1, 2, 3, 7, 300]) AS n, generate_series(1, n) AS i
ORDER BY n, i \g /dev/null

CREATE FUNCTION pg_temp.cents(p_key text, p_rule text) RETURNS text LANGUAGE sql
RETURN regexp_replace(pg_temp.shares(p_key, p_rule), '\d+ \w+ (\d+)', '\1', 'g');

SELECT pg_temp.sale('1c/3', '12:00', 1, 'USD', 3), pg_temp.sale('2c/3', '12:00', 2, 'USD', 3), pg_temp.sale('4c/3', '12:00', 4, 'USD', 3),
    pg_temp.sale('100c/3', '12:00', 100, 'USD', 3), pg_temp.sale('3c/2', '12:00', 3, 'USD', 2), pg_temp.sale('100c/7', '12:00', 100, 'USD', 7),
    pg_temp.sale('0c/3', '12:00', 0, 'USD', 3) \g /dev/null
SELECT is(pg_temp.cents('1c/3', 'even'), '1, 0, 0', 'one cent over three: the tie goes to the earliest');
SELECT is(pg_temp.cents('2c/3', 'even'), '1, 1, 0', 'two cents over three: to the two earliest');
SELECT is(pg_temp.cents('4c/3', 'even'), '2, 1, 1', 'four cents over three');
SELECT is(pg_temp.cents('100c/3', 'even'), '34, 33, 33', 'a dollar over three');
SELECT is(pg_temp.cents('3c/2', 'even'), '2, 1', 'three cents over two');
SELECT is(pg_temp.cents('100c/7', 'even'), '15, 15, 14, 14, 14, 14, 14', 'a dollar over seven: 14 2/7 each');
SELECT is(pg_temp.cents('0c/3', 'even'), '0, 0, 0', 'nothing over three');
SELECT is(
    pg_temp.cents('3c/2', 'position_based_30d') || '; ' || pg_temp.cents('1c/3', 'ends'), '2, 1; 1, 0', 'half cents go to the first'
);

-- The larger fraction wins over the earlier place: 40/20/40 of 4 is 1.6, 0.8, 1.6.
SELECT is(pg_temp.cents('4c/3', 'position_based_30d'), '2, 1, 1', 'of 1.6, 0.8 and 1.6, the odd cents go to 0.8 and to the first 1.6');

SELECT pg_temp.sale('max', '12:00', 9223372036854775807, 'USD', 3), pg_temp.sale('big/300', '12:00', 999999999999, 'USD', 300) \g /dev/null
SELECT is(
    (SELECT sum(allocated_revenue_cents)::text || ' ' || count(*) FROM attribution.attribution_allocations
    WHERE event_id = pg_temp.id('big/300') AND model_version = 'linear/1' AND superseded_at IS NULL
        AND allocated_revenue_cents BETWEEN 3333333333 AND 3333333334 AND rule_id IN (SELECT id FROM attribution.attribution_rules WHERE name = 'even')),
    '999999999999 300', 'three hundred touches: each within a cent of its share, exact in sum'
);
SELECT is_empty(
    $$SELECT e.idempotency_key, r.name, sum(a.allocated_revenue_cents)
    FROM attribution.attribution_events AS e
    CROSS JOIN attribution.attribution_rules AS r
    LEFT JOIN attribution.attribution_allocations AS a ON a.event_id = e.id AND a.rule_id = r.id AND a.superseded_at IS NULL
    WHERE e.event_kind = 'conversion'
    GROUP BY e.idempotency_key, r.name, e.conversion_value_cents
    HAVING sum(a.allocated_revenue_cents) IS DISTINCT FROM e.conversion_value_cents$$,
    'every sale is allocated in full under every rule, none is refused'
);
SELECT is_empty(
    $$SELECT 1 FROM attribution.attribution_allocations WHERE allocation_ratio NOT BETWEEN 0 AND 1$$, 'ratios lie between 0 and 1'
);
SELECT is_empty(
    $$SELECT event_id FROM attribution.attribution_allocations GROUP BY event_id, rule_id HAVING abs(sum(allocation_ratio) - 1) > 1e-9$$,
    'and sum to 1'
);
SELECT is_empty(
    $$SELECT a.id
    FROM attribution.attribution_allocations AS a
    JOIN attribution.attribution_events AS e ON e.id = a.event_id AND e.conversion_value_cents < 1e9
    WHERE abs(a.allocated_revenue_cents - a.allocation_ratio * e.conversion_value_cents) >= 1$$,
    'no share is a whole cent off its exact value'
);

-- Weights as small as a float8 can be are still shares of one whole.
\ir ../60_model/preview.psql
SELECT is_empty(
    $$SELECT w.weight, sum(a.allocated_revenue_cents)
    FROM unnest('{1e-19,1e-25,3e-30,6e-31,1e-31,1e-45,1e-300}'::float8[]) AS w (weight),
        attribution.preview_allocation(
            'weighted', '{}', '{"value_cents": 1000, "currency": "USD", "occurred_at": "2024-03-01T12:00Z"}',
            jsonb_build_array(
                jsonb_build_object('id', 'a', 'channel', 'email', 'occurred_at', '2024-03-01T10:00Z', 'weight', w.weight),
                jsonb_build_object('id', 'b', 'channel', 'sms', 'occurred_at', '2024-03-01T11:00Z', 'weight', w.weight)
            )
        ) AS a
    GROUP BY w.weight HAVING sum(a.allocated_revenue_cents) <> 1000$$, 'tiny weights lose and make no cent'
);

SELECT * FROM finish();
ROLLBACK;
