-- to_usd_cents(), is_day() and transaction_events(): what the ledger's sums stand on.
BEGIN;
SELECT plan(22);
\ir ../refunds.psql

SELECT is(attribution.to_usd_cents(c.amount, c.minor_unit, c.rate), c.cents, c.title)
FROM (VALUES
    (100, 2, 1.0843, 108::bigint, 'a euro'),
    (1, 0, 0.0067, 1::bigint, 'a yen: 0.67 cents'),
    (1000, 3, 3.2504, 325::bigint, 'a dinar'),
    (1, 3, 3.2504, 0::bigint, 'a fils: 0.32504 cents'),
    (10000, 4, 40.5, 4050::bigint, 'a unit of four decimals'),
    (1, 2, 0.5, 1::bigint, 'half a cent is rounded up'),
    (1, 2, 0.499999999999999999, 0::bigint, 'and a little less down'),
    (9007199254740993, 2, 1, 9007199254740993::bigint, 'more than a double holds'),
    (9223372036854775807, 2, 1, 9223372036854775807::bigint, 'all that a bigint holds'),
    (9223372036854775807, 2, 1.1, NULL::bigint, 'and what it does not'),
    (100, 2, NULL, NULL::bigint, 'no rate')
) AS c (amount, minor_unit, rate, cents, title);

SELECT is(
    (SELECT string_agg(d.day, ' ' ORDER BY d.day) FROM unnest(ARRAY[
        '2024-02-29', '2023-02-29', '2100-02-29', '2000-02-29', '2024-04-31', '2024-12-31', '2024-13-01', '2024-00-10', '2024-1-1',
        '24-01-01', '1969-12-31', '1970-01-01', '9999-12-31', '2024-01-01 ', '2024-01-01T00:00', 'today', '', '2024/01/01', '2024-01-32'
    ]) AS d (day) WHERE attribution.is_day(d.day)),
    '1970-01-01 2000-02-29 2024-02-29 2024-12-31 9999-12-31', 'days are days'
);
SELECT is(attribution.is_day(NULL), false, 'null is none');

-- Whole transactions.
SELECT pg_temp.sale('a', '13:00', 10), pg_temp.sale('a2', '13:00', 10, 'EUR', 1, 'a'), pg_temp.back('a3', 'refund', 'a', 1),
    pg_temp.back('a4', 'dispute_opened', 'a'), pg_temp.sale('b', '13:00', 10), pg_temp.back('n', 'refund', 'never', 1) \g /dev/null
CREATE FUNCTION pg_temp.whole(p_keys text[], p_within text[] DEFAULT NULL) RETURNS text LANGUAGE sql AS $$
    SELECT coalesce(string_agg(e.idempotency_key, ' ' ORDER BY e.idempotency_key), '')
    FROM unnest(attribution.transaction_events(
        attribution.current_tenant(), ARRAY(SELECT pg_temp.id(k) FROM unnest(p_keys) AS k),
        CASE WHEN p_within IS NOT NULL THEN ARRAY(SELECT pg_temp.id(k) FROM unnest(p_within) AS k) END
    )) AS i (id)
    JOIN attribution.attribution_events AS e ON e.id = i.id
$$;
SELECT is(pg_temp.whole('{a}'), 'a a2 a3 a4', 'a sale has all its conversions, refunds and disputes');
SELECT is(pg_temp.whole('{a4}'), 'a a2 a3 a4', 'whichever of them is given');
SELECT is(pg_temp.whole('{a,a2,b}'), 'a a2 a3 a4 b', 'each once');
SELECT is(pg_temp.whole('{n}'), 'n', 'a refund of no sale is alone');
SELECT is(pg_temp.whole('{t1}'), '', 'a touch has none');
SELECT is(pg_temp.whole('{}'), '', 'nothing has nothing');
SELECT is(pg_temp.whole('{a,b}', '{a,a2,a3,b}'), 'b', 'within: not where one is missing');
SELECT is(pg_temp.whole('{a,b}', '{a,a2,a3,a4,n}'), 'a a2 a3 a4', 'but where all are there');
SELECT tenant_id AS other FROM attribution.create_tenant('Other', 'ops@other.example') \gset
SELECT is(
    attribution.transaction_events(:'other', ARRAY[pg_temp.id('a')]), '{}'::uuid[], 'another tenant has none of it'
);

SELECT * FROM finish();
ROLLBACK;
