-- report_revenue() and statement_time(): amounts become minor units exactly; a row that won't do is named, and nothing is stored.
BEGIN;
SELECT plan(53);
\ir ../shop.psql
\ir statement.psql
UPDATE attribution.tenants SET time_zone = 'America/New_York' WHERE id = :'shop';
INSERT INTO attribution.channel_aliases (tenant_id, match_kind, match_value, channel_code)
VALUES (:'shop', 'label', 'search ads', 'google_search_paid');
SELECT pg_temp.running() AS run, pg_temp.running('google_ads', 'ad_platform') AS ads \gset

-- Amounts.
SELECT is(
    attribution.report_revenue(:'shop', :'run', '[
        {"line": 2, "transaction_id": "a", "amount": "12.5", "currency": "EUR", "date": "2024-03-10"},
        {"line": 3, "transaction_id": "a", "amount": "-0.01", "currency": "eur", "date": "2024-03-10T23:30:00.25Z"},
        {"line": 4, "transaction_id": "b", "amount": "1500", "currency": "JPY"},
        {"line": 5, "transaction_id": "b", "amount": "1500.00", "currency": "JPY"},
        {"line": 6, "transaction_id": "c", "amount": " 1.234 ", "currency": "KWD", "date": "2024-03-10 12:00:00 -0500"},
        {"line": 7, "transaction_id": "d", "amount": "92233720368547758.07", "currency": "USD"},
        {"line": 8, "transaction_id": "d", "amount_minor": "-9223372036854775808", "currency": "USD"},
        {"line": 9, "transaction_id": "e", "amount": 7.25, "currency": "USD", "date": "2024-03-10 12:00"},
        {"line": 10, "transaction_id": "f", "amount": "-0.00", "currency": "USD", "key": "txn_1"}
    ]'), 9::bigint, 'rows are stored'
);
SELECT results_eq(
    'SELECT line, transaction_id, amount_cents, currency, occurred_at FROM attribution.reported_revenue ORDER BY line',
    $$VALUES
    (2, 'a'::text COLLATE "C", 1250::bigint, 'EUR'::text COLLATE "C", '2024-03-10 05:00+00'::timestamptz),
    (3, 'a', -1, 'EUR', '2024-03-10 23:30:00.25+00'), (4, 'b', 1500, 'JPY', NULL), (5, 'b', 1500, 'JPY', NULL),
    (6, 'c', 1234, 'KWD', '2024-03-10 17:00+00'), (7, 'd', 9223372036854775807, 'USD', NULL),
    (8, 'd', -9223372036854775808, 'USD', NULL), (9, 'e', 725, 'USD', '2024-03-10 16:00+00'), (10, 'f', 0, 'USD', NULL)$$,
    'in minor units, exactly; a time without a zone is the tenant''s'
);
SELECT is((SELECT row_key FROM attribution.reported_revenue WHERE line = 10), 'txn_1', 'the reporter''s own id tells rows apart');
SELECT is(
    attribution.report_revenue(:'shop', :'ads', '[
        {"channel": "Search Ads", "date": "2024-03-10", "amount": "10.00", "currency": "EUR"},
        {"channel": "email", "date": "2024-03-10", "amount": "0", "currency": "EUR"}
    ]'), 2::bigint, 'claims too'
);
SELECT results_eq(
    'SELECT line, channel_code, day, amount_cents FROM attribution.reported_revenue WHERE kind = ''ad_platform'' ORDER BY line',
    $$VALUES (1, 'google_search_paid'::text COLLATE "C", '2024-03-10'::date, 1000::bigint), (2, 'email', '2024-03-10', 0)$$,
    'by channel, aliases resolved, and by day; a row without a line has its place'
);

-- Rows that won't do.
CREATE TEMP TABLE bad (kind text, change jsonb, message text);
INSERT INTO bad VALUES
    ('processor', '{"transaction_id": ""}', 'line 3, column transaction_id: the row names no transaction'),
    ('processor', '{"transaction_id": null}', 'line 3, column transaction_id: the row names no transaction'),
    ('processor', jsonb_build_object('transaction_id', repeat('x', 513)), 'line 3, column transaction_id: it is longer than 512 bytes'),
    ('processor', '{"amount": "12.345"}', 'line 3, column amount: ''12.345'' has more decimals than EUR has (2)'),
    ('processor', '{"amount": "1.5", "currency": "JPY"}', 'line 3, column amount: ''1.5'' has more decimals than JPY has (0)'),
    ('processor', '{"amount": "1.2345", "currency": "KWD"}', 'line 3, column amount: ''1.2345'' has more decimals than KWD has (3)'),
    ('processor', '{"amount": "92233720368547758.08"}', 'line 3, column amount: ''92233720368547758.08'' is beyond any amount'),
    ('processor', '{"currency": "EUX"}', 'line 3, column currency: currency ''EUX'' is not known'),
    ('processor', '{"currency": null}', 'line 3, column currency: currency NULL is not known'),
    ('ad_platform', '{"channel": "billboard"}', 'line 3, column channel: channel ''billboard'' is not known'),
    ('ad_platform', '{"channel": null}', 'line 3, column channel: channel NULL is not known'),
    ('ad_platform', '{"date": null}', 'line 3, column date: NULL is not a day (YYYY-MM-DD)'),
    ('ad_platform', '{"date": "2024-03-10 12:00"}', 'line 3, column date: ''2024-03-10 12:00'' is not a day (YYYY-MM-DD)'),
    ('ad_platform', '{"amount": "-1"}', 'line 3, column amount: ''-1'' is negative: a platform claims 0 or more'),
    ('processor', '{"key": ""}', 'line 3, column key: what identifies the row has not 1 to 1024 bytes'),
    ('processor', '{"key": "txn_1"}', 'line 3, column key: the same row is in line 10'),
    ('processor', '{"key": "fine"}', 'line 3, column key: the same row is in line 2');
INSERT INTO bad
SELECT 'processor', jsonb_build_object('amount', amount), format(
    'line 3, column amount: %L is not an amount: digits, with a decimal point if need be, and no separators', amount
)
FROM unnest(ARRAY['1,234.56', '1.234,56', '', 'NaN', 'Infinity', '1e3', '$5', '--5', '.5', '12345678901234567890']) AS amount;
INSERT INTO bad
SELECT 'processor', jsonb_build_object('date', date), format(
    'line 3, column date: %L is not a time (YYYY-MM-DD, or YYYY-MM-DD HH:MM:SS)', date
)
FROM unnest(ARRAY[
    '', '2024-02-30', '2023-02-29', '10/03/2024', '2024-3-1', 'yesterday', 'infinity', '2024-03-10 24:00', '2024-03-10 12:60',
    '2024-03-10 12:00 EST', '2024-03-10 12:00:00+15:00', '20240310', '0024-03-10'
]) AS date;
SELECT throws_ok(
    format('SELECT attribution.report_revenue(%L, %L, %L)', :'shop', CASE kind WHEN 'processor' THEN :'run' ELSE :'ads' END, jsonb_build_array(
        good || '{"line": 2, "key": "fine"}', good || '{"line": 3, "key": "bad"}' || change
    )), '22023', message, left(change::text, 60)
)
FROM (
    SELECT bad.*, CASE bad.kind
        WHEN 'processor' THEN '{"transaction_id": "a", "amount": "1", "currency": "EUR", "date": "2024-03-10"}'
        ELSE '{"channel": "email", "amount": "1", "currency": "EUR", "date": "2024-03-10"}'
    END::jsonb AS good
    FROM bad
) AS x;
SELECT is((SELECT count(*) FROM attribution.reported_revenue), 11::bigint, 'nothing is half-stored');

SELECT throws_ok(
    format('SELECT attribution.report_revenue(%L, %L, %L)', :'shop', :'run', '{}'), '22023', 'the rows are no array', 'an object is no array'
);
SELECT throws_ok(
    format('SELECT attribution.report_revenue(%L, %L, %L)', :'shop', :'run', rows), '22023',
    'line 1, column transaction_id: the row names no transaction', 'nor is ' || rows || ' a row'
)
FROM unnest(ARRAY['[null]', '["a"]', '[[]]']) AS rows;
SELECT is(attribution.report_revenue(:'shop', :'run', '[]'), 0::bigint, 'no rows are no error');

-- The first is the message, the next are in the detail, and the column has its own field.
CREATE FUNCTION pg_temp.said(p_run uuid, p_rows jsonb) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    v_column text;
    v_detail text;
BEGIN
    PERFORM attribution.report_revenue(attribution.current_tenant(), p_run, p_rows);
    RETURN NULL;
EXCEPTION
    WHEN invalid_parameter_value THEN
        GET STACKED DIAGNOSTICS v_column = COLUMN_NAME, v_detail = PG_EXCEPTION_DETAIL;
        RETURN v_column || E'\n' || v_detail;
END
$$;
SELECT is(
    pg_temp.said(:'run', (SELECT jsonb_agg(jsonb_build_object('line', n, 'transaction_id', 'a', 'amount', 'x', 'currency', 'EUR')) FROM generate_series(20, 40) AS n)),
    'amount' || (SELECT string_agg(format(
        E'\nline %s, column amount: ''x'' is not an amount: digits, with a decimal point if need be, and no separators', n
    ), '' ORDER BY n) FROM generate_series(21, 25) AS n) || E'\nNothing was stored.', 'the detail names five more'
);
SELECT ok(
    attribution.statement_time('2024-03-10 02:30', 'UTC') = '2024-03-10 02:30+00' AND attribution.statement_time('2024-03-10 02:30 UTC', 'Asia/Tokyo')
    = '2024-03-10 02:30+00' AND attribution.statement_time(NULL, 'UTC') IS NULL, 'statement_time()'
);

SELECT * FROM finish();
ROLLBACK;
