-- compare_revenue(): statement against ledger, by transaction and currency, within a period.
BEGIN;
SELECT plan(20);
\ir ../shop.psql
\ir statement.psql
CREATE FUNCTION pg_temp.back(p_type text, p_transaction text, p_at text, p_cents bigint, p_currency text DEFAULT 'USD')
RETURNS void LANGUAGE sql AS $$
    INSERT INTO attribution.attribution_events (
        event_type, session_id, occurred_at, idempotency_key, conversion_value_cents, currency, transaction_id
    )
    VALUES (p_type, gen_random_uuid(), pg_temp.at(p_at), p_type || p_transaction || p_at, p_cents, p_currency, p_transaction)
$$;
UPDATE attribution.tenants SET time_zone = 'America/New_York' WHERE id = :'shop';
-- New York's 1 March ends at 05:00 UTC on the 2nd.
SELECT pg_temp.touch('t', '10:00', 'email'), pg_temp.sale('A', '2024-03-01 12:00+00', 1000), pg_temp.sale('B', '2024-03-02 04:59+00', 500),
    pg_temp.sale('C', '2024-03-02 05:00+00', 700), pg_temp.sale('D', '2024-03-01 13:00+00', 300), pg_temp.sale('E', '2024-03-01 13:00+00', 0),
    pg_temp.sale('A-yen', '2024-03-01 12:30+00', 40, 'JPY', 1, 'A') \g /dev/null
SELECT pg_temp.back('refund', 'D', '2024-03-01 20:00+00', 300), pg_temp.back('refund', 'A', '2024-03-03 12:00+00', 250) \g /dev/null
CREATE TEMP TABLE march AS SELECT '[
    {"transaction_id": "A", "amount": "10.00", "currency": "USD", "date": "2024-03-01 07:00"},
    {"transaction_id": "A", "amount": "40", "currency": "JPY", "date": "2024-03-01 07:30"},
    {"transaction_id": "B", "amount": "4.99", "currency": "USD", "date": "2024-03-01 23:59"},
    {"transaction_id": "D", "amount": "3.00", "currency": "USD", "date": "2024-03-01 08:00"},
    {"transaction_id": "D", "amount": "-3.00", "currency": "USD", "date": "2024-03-01 15:00"},
    {"transaction_id": "E", "amount": "0.00", "currency": "USD", "date": "2024-03-01 08:00"},
    {"transaction_id": "X", "amount": "0.01", "currency": "USD", "date": "2024-03-01 08:00"}
]'::jsonb AS rows;

SELECT pg_temp.reconcile(rows) AS run FROM march \gset
SELECT is(
    pg_temp.found(:'run'),
    'A JPY matched 40 40, A USD matched 1000 1000, B USD amount_mismatch 499 500, D USD matched 0 0, X USD missing_in_ledger 1 -',
    'sales, refunds and currencies; what is outside the statement''s own days is left alone, and so is a row of nothing'
);
SELECT results_eq(
    'SELECT state, period_from, period_to, reported_rows, matched, amount_mismatch, missing_in_ledger, missing_in_report, finished_at IS NOT NULL FROM attribution.reconciliation_runs',
    $$VALUES ('failed'::text COLLATE "C", '2024-03-01 05:00+00'::timestamptz, '2024-03-02 05:00+00'::timestamptz, 7::bigint, 3::bigint, 1::bigint, 1::bigint, 0::bigint, true)$$,
    'the run has the period, in the tenant''s zone, and the counts'
);
SELECT is(pg_temp.found(pg_temp.reconcile(rows - 5 - 2 - 1, p_source => 'late')),
    'A JPY missing_in_report - 40, A USD matched 1000 1000, B USD missing_in_report - 500, D USD matched 0 0, X USD missing_in_ledger 1 -',
    'what the statement lacks is missing in the report'
) FROM march;
SELECT is(
    pg_temp.found(pg_temp.reconcile('[{"transaction_id": "A", "amount": "10.00", "currency": "USD", "date": "2024-03-01"}]', 'partial', p_partial => true)),
    'A USD matched 1000 1000', 'unless the statement is said to be partial'
);
SELECT is((SELECT state FROM attribution.reconciliation_runs WHERE source = 'partial'), 'completed', 'no difference: completed');

-- A period given.
SELECT is(
    pg_temp.found(pg_temp.reconcile(rows, 'given', 'processor', '2024-03-02', '2024-03-03')), 'A USD missing_in_report - -250, C USD missing_in_report - 700',
    'rows and lines outside a given period are left alone: a refund is of its own day'
) FROM march;
SELECT is(
    pg_temp.found(pg_temp.reconcile('[]', 'silent', 'processor', '2024-03-03', '2024-03-03')), 'A USD missing_in_report - -250',
    'a period needs no rows'
);
SELECT is(
    pg_temp.found(pg_temp.reconcile('[{"transaction_id": "A", "amount": "7.50", "currency": "USD"}]', 'half', 'processor', '2024-03-01')),
    'A JPY missing_in_report - 40, A USD matched 750 750, B USD missing_in_report - 500, C USD missing_in_report - 700, D USD missing_in_report - 0',
    'a period may be open at one end, and a row without a date is in it'
);
SELECT throws_ok(
    'SELECT pg_temp.reconcile(''[]'')', '22023', 'there is nothing to compare: the statement has no rows, and no period is given', 'neither rows nor period'
);

-- No dates: no period.
SELECT is(
    pg_temp.found(pg_temp.reconcile('[{"transaction_id": "A", "amount": "7.50", "currency": "USD"},
        {"transaction_id": "D", "amount": "0.00", "currency": "USD", "date": "2024-03-01"}]', 'undated')),
    'A USD matched 750 750, D USD matched 0 0', 'without dates, all of the ledger counts, and none is missing in the report'
);
SELECT results_eq(
    'SELECT period_from, period_to FROM attribution.reconciliation_runs WHERE source = ''undated''',
    'VALUES (NULL::timestamptz, NULL::timestamptz)', 'and there is no period'
);

-- What was taken back to nothing by restating is not in the ledger; what was restated otherwise is as it was.
SELECT pg_temp.touch('late', '11:00', 'sms') \g /dev/null
SELECT attribution.process_batch(:'shop') \g /dev/null
SELECT cmp_ok((SELECT count(*) FROM attribution.revenue_ledger WHERE entry_type = 'reversal'), '>', 0::bigint, 'lines were reversed');
SELECT is(
    pg_temp.found(pg_temp.reconcile(rows, 'restated')),
    'A JPY matched 40 40, A USD matched 1000 1000, B USD amount_mismatch 499 500, D USD matched 0 0, X USD missing_in_ledger 1 -',
    'a restatement changes no comparison'
) FROM march;
SELECT pg_temp.sale('N', '2024-03-05 12:00+00', 900, 'USD', 5), pg_temp.back('refund', 'N', '2024-03-05 13:00+00', 600),
    pg_temp.back('refund', 'N', '2024-03-06 13:00+00', 300) \g /dev/null
SELECT pg_temp.back('chargeback', 'N', '2024-03-05 12:30+00', 900) \g /dev/null
SELECT attribution.process_batch(:'shop') \g /dev/null
SELECT is(
    pg_temp.found(pg_temp.reconcile('[]', 'reversed', 'processor', '2024-03-06', '2024-03-06')), NULL,
    'a refund that an earlier chargeback left without money is reversed, and not in the ledger'
);

-- Other tenants and statements stay apart; nothing is written twice.
SELECT tenant_id AS other FROM attribution.create_tenant('Other', 'ops@other.example') \gset
SELECT attribution.set_tenant(:'other') \g /dev/null
SELECT is(pg_temp.found(pg_temp.reconcile('[{"transaction_id": "A", "amount": "10", "currency": "USD", "date": "2024-03-01"}]')),
    'A USD missing_in_ledger 1000 -', 'another tenant''s sale is not in the ledger');
SELECT attribution.set_tenant(:'shop') \g /dev/null
SELECT throws_ok(
    format('SELECT attribution.compare_revenue(%L, %L)', :'shop', :'run'), '55000', 'the reconciliation run is failed, not running', 'a run ends once'
);

-- Claims.
SELECT pg_temp.reconcile('[{"channel": "email", "date": "2024-03-01", "amount": "99", "currency": "USD"},
    {"channel": "email", "date": "2024-03-04", "amount": "99", "currency": "USD"}]', 'mailer', 'ad_platform') AS ads \gset
SELECT results_eq(
    format('SELECT state, period_from, period_to, reported_rows, missing_in_report FROM attribution.reconciliation_runs WHERE id = %L', :'ads'),
    $$VALUES ('completed'::text COLLATE "C", '2024-03-01 05:00+00'::timestamptz, '2024-03-05 05:00+00'::timestamptz, 2::bigint, 0::bigint)$$,
    'claims are stored for their days'
);
SELECT is(pg_temp.found(:'ads'), NULL, 'and say nothing about transactions');

-- Amounts beyond bigint in sum.
SELECT is(
    pg_temp.found(pg_temp.reconcile('[{"transaction_id": "A", "amount_minor": "9223372036854775807", "currency": "USD", "key": "1"},
        {"transaction_id": "A", "amount_minor": "9223372036854775807", "currency": "USD", "key": "2"}]', 'huge')),
    'A USD amount_mismatch 18446744073709551614 750', 'sums may be larger than any amount'
);
SELECT is_empty('SELECT * FROM attribution.verify() WHERE check_name <> ''over_refund''', 'and through all this, every invariant holds');

SELECT * FROM finish();
ROLLBACK;
