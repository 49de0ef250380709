-- import_fx_rates() and the dollars that follow: missing rates, filled and corrected by adjustments; all or nothing.
BEGIN;
SELECT plan(33);
\ir ../refunds.psql

CREATE FUNCTION pg_temp.import(p_rates jsonb, p_correct boolean DEFAULT false) RETURNS text LANGUAGE sql AS $$
    SELECT format('%s new, %s corrected, %s known', r.added, r.corrected, r.known) FROM attribution.import_fx_rates(p_rates, 'test', p_correct) AS r
$$;
CREATE FUNCTION pg_temp.rate(p_currency text, p_date text, p_rate text) RETURNS jsonb LANGUAGE sql
RETURN jsonb_build_array(jsonb_build_object('currency', p_currency, 'date', p_date, 'rate', p_rate));
CREATE FUNCTION pg_temp.batches() RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(b.kind || ' ' || b.entry_count, ', ' ORDER BY b.posted_at) FROM attribution.ledger_batches AS b
$$;

-- No rate: no dollars, but cents, and a list.
SELECT pg_temp.sale('yen', '13:00', 1001, 'JPY'), pg_temp.back('y1', 'refund', 'yen', 500, 'JPY', '2024-03-09 14:00+00') \g /dev/null
SELECT is(pg_temp.held('yen'), 'direct 200, email 100, sms 201', 'what has no rate is posted');
SELECT is(pg_temp.usd('yen'), NULL, 'without dollars');
SELECT results_eq(
    'SELECT DISTINCT transaction_id, currency, rate_day FROM attribution.unconverted_lines',
    $$VALUES ('yen'::text COLLATE "C", 'JPY'::text COLLATE "C", date '2024-03-01')$$, 'and listed, the refund''s lines under the day of the sale'
);
SELECT results_eq(
    'SELECT count(*), (SELECT lines_without_rate FROM attribution.pipeline_health) FROM attribution.unconverted_lines',
    'VALUES (6::bigint, 6::bigint)', 'line by line'
);
SELECT is_empty($$SELECT * FROM attribution.verify_tenant(attribution.current_tenant())$$, 'which is no breach');

-- A rate that comes late: adjustments.
SELECT is(pg_temp.import(pg_temp.rate('JPY', '2024-03-02', '0.01')), '1 new, 0 corrected, 0 known', 'a rate of the day after');
SELECT attribution.process_batch(:'shop') \g /dev/null
SELECT is(pg_temp.usd('yen'), NULL, 'is none of the day before');
SELECT is(pg_temp.import(pg_temp.rate('JPY', '2024-02-28', '0.0067')), '1 new, 0 corrected, 0 known', 'one of a day before');
SELECT attribution.process_batch(:'shop') \g /dev/null
SELECT is(pg_temp.usd('yen'), 'direct 134, email 67, sms 135', 'holds until the next: 501 yen at 0.0067 are 335.67 cents');
SELECT is_empty('SELECT * FROM attribution.unconverted_lines', 'nothing is listed');
SELECT results_eq(
    $$SELECT kind, entry_count FROM attribution.ledger_batches ORDER BY posted_at DESC LIMIT 1$$, $$VALUES ('adjustment'::text COLLATE "C", 6)$$,
    'by one batch of adjustments'
);
SELECT results_eq(
    $$SELECT DISTINCT amount_cents, fx_rate_used, fx_conversion_timestamp, account, state FROM attribution.revenue_ledger
    WHERE entry_type = 'adjustment' ORDER BY account$$,
    $$VALUES (0::bigint, 0.0067, '2024-02-28 00:00+00'::timestamptz, 'returns'::text COLLATE "C", 'partially_refunded'::text COLLATE "C"),
        (0, 0.0067, '2024-02-28 00:00+00', 'revenue', 'partially_refunded')$$,
    'which move no yen, and say what rate they used'
);
SELECT is_empty($$SELECT * FROM attribution.verify_tenant(attribution.current_tenant())$$, 'verify() agrees');

-- A rate that was wrong.
SELECT throws_ok(
    $$SELECT pg_temp.import(pg_temp.rate('JPY', '2024-02-28', '0.0068'))$$, 'RA008',
    'the rate of JPY on 2024-02-28 is known as 0.0067 and given as 0.0068', 'a known rate is not replaced by accident'
);
SELECT is(pg_temp.import(pg_temp.rate('JPY', '2024-02-28', '0.00670')), '0 new, 0 corrected, 1 known', 'the same again changes nothing');
SELECT is((SELECT count(*) FROM attribution.work_queue), 0::bigint, 'and makes no work');
SELECT is(pg_temp.import(pg_temp.rate('JPY', '2024-02-28', '0.0068'), true), '0 new, 1 corrected, 0 known', 'it is corrected on purpose');
SELECT attribution.process_batch(:'shop') \g /dev/null
SELECT is(pg_temp.usd('yen'), 'direct 136, email 68, sms 137', 'and the sales are adjusted: 340.68 cents');
SELECT is(pg_temp.batches(), 'attribution 3, refund 3, adjustment 6, adjustment 6', 'by further lines');
SELECT is_empty($$SELECT * FROM attribution.verify_tenant(attribution.current_tenant())$$, 'verify() agrees');
SELECT pg_temp.back('y2', 'refund', 'yen', 501, 'JPY', '2024-03-20 14:00+00') \g /dev/null
SELECT is_empty(
    $$SELECT allocation_id FROM attribution.revenue_ledger GROUP BY 1 HAVING sum(amount_cents) <> 0 OR sum(amount_usd_cents) <> 0$$,
    'a refund at the sale''s rate leaves no dollar behind, whatever the rate is by then'
);

-- A share that is worth no cent at a known rate.
SELECT pg_temp.import(pg_temp.rate('KWD', '2024-01-01', '3.25')), pg_temp.sale('fils', '13:00', 3, 'KWD'), pg_temp.sale('lira', '13:00', 3, 'TND') \g /dev/null
SELECT pg_temp.import(pg_temp.rate('TND', '2024-01-01', '0.32')), attribution.process_batch(:'shop') \g /dev/null
SELECT is(pg_temp.usd('fils'), 'sms 1', 'three fils are a cent, the first touch''s');
SELECT is(pg_temp.usd('lira'), NULL, 'three millimes are none');
SELECT is_empty('SELECT * FROM attribution.unconverted_lines', 'and that is known: no rate is missing');

-- What is no rate. Nothing of its list is stored.
SELECT throws_ok(format('SELECT pg_temp.import(%L)', pg_temp.rate('EUR', '2024-01-01', '1.1') || b.rates), '22023', b.message, b.message)
FROM (VALUES
    (pg_temp.rate('EUR', '2024-02-30', '1'), 'date ''2024-02-30'' is not a day (YYYY-MM-DD)'),
    (pg_temp.rate('USD', '2024-02-01', '1'), 'the US dollar has no rate to itself'),
    (pg_temp.rate('XYZ', '2024-02-01', '1'), 'currency ''XYZ'' is not known'),
    (pg_temp.rate('EUR', '2024-02-01', '0.00'), 'rate ''0.00'' is not a positive number with a decimal point'),
    (pg_temp.rate('EUR', '2024-02-01', '1,1'), 'rate ''1,1'' is not a positive number with a decimal point')
) AS b (rates, message);
SELECT throws_ok(
    $$SELECT pg_temp.import(pg_temp.rate('EUR', '2024-01-01', '1.1') || pg_temp.rate('EUR', '2024-01-01', '1.2'))$$, '22023',
    'EUR has more than one rate for 2024-01-01', 'a day has one rate'
);
SELECT throws_ok($$SELECT pg_temp.import('{}')$$, '22023', 'rates are an array, and have a source', 'an object is no list');
SELECT throws_ok(
    $$SELECT * FROM attribution.import_fx_rates('[]', ' ')$$, '22023', 'rates are an array, and have a source', 'somebody gave them'
);
SELECT is_empty($$SELECT rate_date FROM attribution.fx_rates WHERE currency = 'EUR'$$, 'nothing is half imported');

SELECT * FROM finish();
ROLLBACK;
