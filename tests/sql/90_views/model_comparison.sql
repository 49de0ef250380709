-- model_comparison: what each channel earns under each rule, over all time.
BEGIN;
SELECT plan(3);
\ir ../month.psql

SELECT results_eq(
    $$SELECT currency, channel_code, model_type, conversions, revenue_cents::bigint, revenue_share
    FROM attribution.model_comparison WHERE is_book ORDER BY currency, channel_code$$,
    $$VALUES
    ('EUR'::text COLLATE "C", 'unattributed'::text COLLATE "C", 'position_based'::text COLLATE "C", 1::numeric, 300::bigint, 1::numeric),
    ('USD', 'direct', 'position_based', 1, 549, 0.343125),
    ('USD', 'email', 'position_based', 1, 550, 0.343750),
    ('USD', 'sms', 'position_based', 2, 501, 0.313125)$$,
    'the book'
);
SELECT results_eq(
    $$SELECT currency, channel_code, conversions, revenue_cents::bigint, revenue_share
    FROM attribution.model_comparison WHERE rule_name = 'last_touch' ORDER BY currency, channel_code$$,
    $$VALUES
    ('EUR'::text COLLATE "C", 'unattributed'::text COLLATE "C", 1::numeric, 300::bigint, 1::numeric),
    ('USD', 'direct', 2, 1099, 0.686875),
    ('USD', 'sms', 2, 501, 0.313125)$$,
    'last_touch'
);
SELECT results_eq(
    'SELECT rule_name, currency, sum(revenue_cents)::bigint FROM attribution.model_comparison GROUP BY 1, 2 ORDER BY 1, 2',
    $$VALUES ('last_touch', 'EUR'::text COLLATE "C", 300::bigint), ('last_touch', 'USD', 1600), ('linear', 'EUR', 300), ('linear', 'USD', 1600),
        ('position_based_30d', 'EUR', 300), ('position_based_30d', 'USD', 1600)$$,
    'every rule divides the same revenue'
);

SELECT * FROM finish();
ROLLBACK;
