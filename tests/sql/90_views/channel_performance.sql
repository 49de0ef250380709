-- channel_performance: credit by the shop's own day, channel, campaign, rule and currency.
BEGIN;
SELECT plan(5 + (
    SELECT count(*)::int FROM pg_class AS c WHERE c.relnamespace = 'attribution'::regnamespace AND c.relkind = 'v'
));
\ir ../month.psql

SELECT results_eq(
    $$SELECT day, currency, channel_code, campaign_id, conversions, revenue_cents::bigint, revenue_share
    FROM attribution.channel_performance WHERE is_book ORDER BY day, currency, channel_code$$,
    $$VALUES
    ('2024-03-01'::date, 'USD'::text COLLATE "C", 'direct'::text COLLATE "C", NULL::text COLLATE "C", 0.5, 500::bigint, 0.333111),
    ('2024-03-01', 'USD', 'email', 'spring', 0.5, 500, 0.333111),
    ('2024-03-01', 'USD', 'sms', NULL, 1, 501, 0.333777),
    ('2024-03-02', 'EUR', 'unattributed', NULL, 1, 300, 1),
    ('2024-03-02', 'USD', 'direct', NULL, 0.5, 49, 0.494949),
    ('2024-03-02', 'USD', 'email', 'spring', 0.5, 50, 0.505051),
    ('2024-03-02', 'USD', 'sms', NULL, 1, 0, 0)$$,
    'the book, day by day in New York'
);
SELECT results_eq(
    $$SELECT day, currency, channel_code, conversions, revenue_cents::bigint
    FROM attribution.channel_performance WHERE rule_name = 'last_touch' ORDER BY day, currency, channel_code$$,
    $$VALUES
    ('2024-03-01'::date, 'USD'::text COLLATE "C", 'direct'::text COLLATE "C", 1::numeric, 1000::bigint),
    ('2024-03-01', 'USD', 'sms', 1, 501),
    ('2024-03-02', 'EUR', 'unattributed', 1, 300),
    ('2024-03-02', 'USD', 'direct', 1, 99),
    ('2024-03-02', 'USD', 'sms', 1, 0)$$,
    'a shadow rule beside it'
);
SELECT is_empty(
    $$SELECT rule_id, currency, day FROM attribution.channel_performance
    GROUP BY rule_id, currency, day HAVING sum(conversions) <> round(sum(conversions)) OR abs(sum(revenue_share) - 1) > 0.000002$$,
    'channels add up to whole conversions, and shares to 1'
);

SELECT pg_temp.touch('late', '2024-03-02 04:00+00', 'organic', 3) \g /dev/null
SELECT attribution.process_batch(:'shop') \g /dev/null
SELECT results_eq(
    $$SELECT channel_code, revenue_cents::bigint FROM attribution.channel_performance WHERE is_book AND currency = 'EUR'$$,
    $$VALUES ('organic'::text COLLATE "C", 300::bigint)$$, 'a late touch moves the credit, without doubling it'
);
UPDATE attribution.tenants SET time_zone = 'UTC' WHERE id = :'shop';
SELECT results_eq(
    $$SELECT day, sum(revenue_cents)::bigint FROM attribution.channel_performance WHERE is_book AND currency = 'USD' GROUP BY day ORDER BY day$$,
    $$VALUES ('2024-03-01'::date, 1000::bigint), ('2024-03-02', 600)$$, 'in another time zone, sales fall on other days'
);

SELECT pg_temp.sale('max 1', '2024-03-05 12:00+00', 9223372036854775807, 'USD', 8),
    pg_temp.sale('max 2', '2024-03-05 12:00+00', 9223372036854775807, 'USD', 8, 'max 1') \g /dev/null
SELECT lives_ok(
    format('SELECT v::text FROM attribution.%I AS v', c.relname), 'at the edge of bigint, ' || c.relname || ' can still be read'
)
FROM pg_class AS c
WHERE c.relnamespace = 'attribution'::regnamespace AND c.relkind = 'v'
ORDER BY c.relname;

SELECT * FROM finish();
ROLLBACK;
