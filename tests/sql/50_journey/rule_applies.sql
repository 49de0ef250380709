-- rule_applies() and rule_options(): which conversions a rule is for, and its options with their defaults.
BEGIN;
SELECT plan(5);

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
    $$SELECT * FROM attribution.rule_options('{}')$$,
    $$VALUES ('30 days'::interval, 604800::float8, 0.4, 0.4, 'prorate')$$,
    'the defaults: 30 days back, half-life of 7 days, 40 and 40 percent, prorate'
);
SELECT results_eq(
    $$SELECT * FROM attribution.rule_options('{"lookback": "36 hours", "half_life": "1 minute", "first": 0.1, "last": 0, "two_touch": "equal"}')$$,
    $$VALUES ('36 hours'::interval, 60::float8, 0.1, 0::numeric, 'equal')$$,
    'options are taken as given'
);

SELECT * FROM finish();
ROLLBACK;
