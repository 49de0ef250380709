-- rule_applies() and rule_options(): which conversions a rule is for, and its options with their defaults.
BEGIN;
SELECT plan(9);

SELECT is_empty(
    $$SELECT filter FROM (VALUES
        ('{}'), ('{"event_types": ["purchase"]}'), ('{"event_types": ["visit", "purchase"]}'), ('{"campaigns": ["spring"]}'),
        ('{"partners": ["acme"]}'), ('{"currencies": ["USD", "EUR"]}'), ('{"min_value_cents": 100}'), ('{"max_value_cents": 100}'),
        ('{"min_value_cents": 99.5, "max_value_cents": 1e3}'),
        ('{"event_types": ["purchase"], "campaigns": ["spring"], "partners": ["acme"], "currencies": ["USD"], "min_value_cents": 0}')
    ) AS f (filter)
    WHERE NOT attribution.rule_applies(filter::jsonb, 'purchase', 'spring', 'acme', 'USD', 100)$$,
    'a conversion that every given filter lets pass; limits are inclusive'
);
SELECT is_empty(
    $$SELECT filter FROM (VALUES
        ('{"event_types": ["payment"]}'), ('{"event_types": []}'), ('{"campaigns": ["Spring"]}'), ('{"partners": ["acm"]}'),
        ('{"currencies": ["usd"]}'), ('{"min_value_cents": 101}'), ('{"max_value_cents": 99}'),
        ('{"event_types": ["purchase"], "currencies": ["EUR"]}')
    ) AS f (filter)
    WHERE attribution.rule_applies(filter::jsonb, 'purchase', 'spring', 'acme', 'USD', 100)$$,
    'one filter that does not is enough; texts are compared exactly'
);
SELECT is_empty(
    $$SELECT filter FROM (VALUES ('{"campaigns": ["spring"]}'), ('{"partners": ["acme"]}')) AS f (filter)
    WHERE attribution.rule_applies(filter::jsonb, 'purchase', NULL, NULL, 'USD', 100) IS NOT FALSE$$,
    'a conversion without a campaign or partner is in no list of them'
);
SELECT results_eq(
    $$SELECT lookback, lookbacks, per_channel, per_event_type, cutoff, on_repeat, exclude_channels, only_channels,
            missing_timestamp, dedupe, half_life_seconds, first_share, last_share, two_touch, roles, all_roles, weight_function
        FROM attribution.rule_options('linear', '{}')$$,
    $$VALUES ('30 days'::interval, '{30 days}'::interval[], '{}'::jsonb, '{}'::jsonb, 'conversion', 'keep', '[]'::jsonb, NULL::jsonb,
        'exclude', 'touch', 604800::float8, 0.4, 0.4, 'prorate', '{}'::jsonb, NULL::numeric, NULL)$$,
    'the defaults: 30 days back, to the conversion, repeated sales kept, all channels, half-life of 7 days, 40 and 40 percent, prorate'
);
SELECT results_eq(
    $$SELECT lookback, half_life_seconds, first_share, last_share, two_touch, cutoff, on_repeat, dedupe, missing_timestamp
        FROM attribution.rule_options('linear', '{"lookback": "36 hours", "half_life": "1 minute", "first": 0.1, "last": 0,
            "two_touch": "equal", "cutoff": "first_booked", "on_repeat": "reset", "dedupe": "channel", "missing_timestamp": "reject"}')$$,
    $$VALUES ('36 hours'::interval, 60::float8, 0.1, 0::numeric, 'equal', 'first_booked', 'reset', 'channel', 'reject')$$,
    'options are taken as given'
);
SELECT results_eq(
    $$SELECT first_share, last_share FROM unnest(ARRAY['j_shaped', 'inverse_j', 'position_based']) AS m (model),
        attribution.rule_options(m.model, '{}')$$,
    'VALUES (0.2, 0.6), (0.6, 0.2), (0.4, 0.4)', 'j_shaped is 20/20/60, inverse_j 60/20/20'
);
SELECT results_eq(
    $$SELECT first_share, last_share FROM attribution.rule_options('j_shaped', '{"first": 0.3}')$$,
    'VALUES (0.3, 0.6)', 'and either share may be given'
);
SELECT results_eq(
    $$SELECT lookbacks FROM (VALUES
        ('{"per_channel": {"email": "60 days", "sms": "1 day"}}'), ('{"per_event_type": {"call": "90 days"}}'),
        ('{"lookback": "2 days", "per_channel": {"email": "1 day"}}')
    ) AS c (config), attribution.rule_options('linear', c.config::jsonb)$$,
    $$VALUES ('{30 days,1 day,60 days}'::interval[]), ('{30 days,90 days}'), ('{2 days,1 day}')$$, 'every window is there to be read'
);
SELECT results_eq(
    $$SELECT all_roles FROM (VALUES
        ('{"roles": {"sourced": 0.6, "influenced": 0.3}}'), ('{"roles": {"sourced": 0.6, "influenced": 0.3}, "absent_roles": "renormalise"}'),
        ('{"roles": {"sourced": 0.6, "influenced": 0.3}, "absent_roles": "unattributed"}')
    ) AS c (config), attribution.rule_options('role_based', c.config::jsonb)$$,
    'VALUES (NULL::numeric), (NULL), (0.9)', 'all pools count where absent roles go unattributed'
);

SELECT * FROM finish();
ROLLBACK;
