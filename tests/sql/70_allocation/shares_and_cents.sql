-- divide_cents() by hand, and parse_shares(): the forms that are taken, as one form.
BEGIN;
SELECT plan(27);

SELECT is(attribution.divide_cents(d.amount, d.weights), d.cents, d.title)
FROM (VALUES
    (100, ARRAY[1, 1, 1]::numeric[], ARRAY[34, 33, 33]::bigint[], 'a left-over cent goes to the earliest'),
    (101, ARRAY[1, 1, 1], ARRAY[34, 34, 33], 'two to the two earliest'),
    (10, ARRAY[1, 2, 4], ARRAY[1, 3, 6], 'to the largest fractions: 1.43, 2.86, 5.71'),
    (1, ARRAY[1, 2, 4], ARRAY[0, 0, 1], 'one cent has one owner'),
    (0, ARRAY[1, 2], ARRAY[0, 0], 'nothing'),
    (0, ARRAY[0, 0], ARRAY[0, 0], 'nothing of nothing'),
    (7, ARRAY[7], ARRAY[7], 'all'),
    (5, ARRAY[0, 5, 0], ARRAY[0, 5, 0], 'what holds nothing gives nothing'),
    (3, ARRAY[0.5, 0.25, 0.25], ARRAY[1, 1, 1], 'fractions are weights'),
    (9007199254740993, ARRAY[1, 1], ARRAY[4503599627370497, 4503599627370496], 'large amounts are exact'),
    (9223372036854775807, ARRAY[9223372036854775806, 1], ARRAY[9223372036854775806, 1], 'the largest')
) AS d (amount, weights, cents, title);
SELECT is_empty(
    $$SELECT a.amount, w.weights
    FROM generate_series(0, 60) AS a (amount),
        (VALUES (ARRAY[60]), (ARRAY[1, 59]), (ARRAY[20, 20, 20]), (ARRAY[0, 31, 29]), (ARRAY[7, 11, 13, 29]), (array_fill(1, ARRAY[60]))) AS w (weights),
        LATERAL (SELECT attribution.divide_cents(a.amount, w.weights::numeric[]) AS cents) AS d
    WHERE (SELECT sum(c) FROM unnest(d.cents) AS c) <> a.amount
        OR EXISTS (SELECT FROM unnest(d.cents, w.weights) AS x (cents, weight) WHERE x.cents < 0 OR x.cents > x.weight)$$,
    'shares sum to the amount, and none exceeds what it is taken from'
);
SELECT is(attribution.divide_cents(NULL, ARRAY[1]::numeric[]), NULL, 'no amount, no shares');

SELECT is(attribution.parse_shares(p.given)::text, p.parsed, p.title)
FROM (VALUES
    ('{"sms": 60, "email": 40}'::jsonb,
        '[{"channel": "email", "percent": 40, "partner_id": null, "campaign_id": null}, {"channel": "sms", "percent": 60, "partner_id": null, "campaign_id": null}]',
        'an object, by channel'),
    ('[{"channel": "sms", "percent": 0.75}, {"channel": "sms", "percent": 0.25, "campaign_id": "c", "partner_id": ""}]',
        '[{"channel": "sms", "percent": 75, "partner_id": null, "campaign_id": null}, {"channel": "sms", "percent": 25, "partner_id": null, "campaign_id": "c"}]',
        'an array, in its order; fractions are percents, empty is absent, a channel may come twice'),
    ('{"sms": 99.9999999999, "email": 0.0000000001}',
        '[{"channel": "email", "percent": 0.0000000001, "partner_id": null, "campaign_id": null}, {"channel": "sms", "percent": 99.9999999999, "partner_id": null, "campaign_id": null}]',
        'ten decimals')
) AS p (given, parsed, title);
SELECT throws_ok(format('SELECT attribution.parse_shares(%L)', b.given), 'RA005', b.message, b.title)
FROM (VALUES
    ('[]', 'these are not shares', 'none'), ('{}', 'these are not shares', 'none either'), ('"sms"', 'these are not shares', 'a text'),
    ('[1]', 'these are not shares', 'a number'), ('[{"channel": "sms"}]', 'these are not shares', 'no percent'),
    ('[{"channel": "sms", "percent": 100, "colour": 1}]', 'these are not shares', 'an unknown key'),
    ('[{"channel": null, "percent": 100}]', 'these are not shares', 'no channel'),
    ('{"sms": 99.99999999999, "email": 0.00000000001}', 'the shares do not sum to 100%', 'eleven decimals'),
    ('{"sms": 33.3, "email": 33.3, "phone": 33.3}', 'the shares do not sum to 100%', 'almost all')
) AS b (given, message, title);
SELECT throws_ok(
    $$SELECT attribution.parse_shares('{"sms": 50, "Sms": 50}')$$, 'RA004', 'unknown channel: Sms', 'codes are lower case'
);
SELECT throws_ok('SELECT attribution.parse_shares(NULL)', 'RA005', 'these are not shares', 'null');

SELECT * FROM finish();
ROLLBACK;
