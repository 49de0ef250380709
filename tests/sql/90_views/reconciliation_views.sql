-- reconciliation_status, reconciliation_differences, realtime_revenue, platform_overclaim.
BEGIN;
SELECT plan(22);
\ir ../month.psql
\ir ../85_reconciliation/statement.psql
CREATE FUNCTION pg_temp.revenue() RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(concat_ws(' ', r.currency, r.total_cents, r.verified_cents, r.unverified_cents), ', ' ORDER BY r.currency)
    FROM attribution.realtime_revenue AS r
    WHERE r.tenant_id = attribution.current_tenant()
$$;
CREATE FUNCTION pg_temp.row(p_transaction text, p_amount text, p_day text, p_currency text DEFAULT 'USD') RETURNS jsonb LANGUAGE sql
RETURN jsonb_build_object('transaction_id', p_transaction, 'amount', p_amount, 'currency', p_currency, 'date', p_day);

SELECT is(pg_temp.revenue(), 'EUR 300 0 300, USD 1600 0 1600', 'nothing is verified at first');
SELECT is_empty('SELECT * FROM attribution.reconciliation_status', 'and there is no run');

-- A statement of 1 March.
SELECT pg_temp.reconcile(jsonb_build_array(pg_temp.row('A', '10.00', '2024-03-01'), pg_temp.row('B', '5.00', '2024-03-01'), pg_temp.row('D', '0.99', '2024-03-01'))) AS run \gset
SELECT results_eq(
    'SELECT source, kind, run_id, state, reported_rows, matched, amount_mismatch, missing_in_ledger, missing_in_report FROM attribution.reconciliation_status',
    format($$VALUES ('stripe'::text COLLATE "C", 'processor'::text COLLATE "C", %L::uuid, 'failed'::text COLLATE "C", 3::bigint, 1::bigint, 1::bigint, 1::bigint, 0::bigint)$$, :'run'),
    'the status of a run'
);
SELECT results_eq(
    'SELECT transaction_id, status, reported_cents, ledger_cents, difference_cents, outside_cents FROM attribution.reconciliation_differences ORDER BY 1',
    $$VALUES ('B'::text COLLATE "C", 'amount_mismatch'::text COLLATE "C", 500::numeric, 501::numeric, -1::numeric, 0::numeric),
    ('D', 'missing_in_ledger', 99, NULL, 99, 99)$$,
    'its differences: one of amount, and one of dates'
);
SELECT is(pg_temp.revenue(), 'EUR 300 0 300, USD 1600 1000 600', 'what matched is verified');
SELECT ok(
    (SELECT last_verified_at IS NOT NULL AND last_posted_at < last_verified_at AND freshness_seconds > 0 FROM attribution.realtime_revenue WHERE currency = 'USD')
    AND (SELECT last_verified_at IS NULL AND freshness_seconds > 0 FROM attribution.realtime_revenue WHERE currency = 'EUR'),
    'and when'
);

-- The latest run counts; of statements, the newest that speaks of a sale.
SELECT pg_temp.reconcile(jsonb_build_array(pg_temp.row('D', '0.99', '2024-03-02'), pg_temp.row('C', '3.00', '2024-03-02', 'EUR'))) AS run \gset
SELECT is((SELECT string_agg(state, ' ') FROM attribution.reconciliation_status), 'completed', 'the latest run of a source is its status');
SELECT is_empty('SELECT * FROM attribution.reconciliation_differences', 'and its differences are the source''s');
SELECT is(pg_temp.revenue(), 'EUR 300 300 0, USD 1600 1099 501', 'days that were verified before stay so');
SELECT pg_temp.running('stripe') AS run \gset
SELECT attribution.fail_reconciliation(:'shop', :'run', 'the disk is full') \g /dev/null
SELECT results_eq(
    'SELECT state, last_error FROM attribution.reconciliation_status', $$VALUES ('error'::text COLLATE "C", 'the disk is full'::text)$$,
    'a run that could not be done is the status'
);
SELECT pg_temp.reconcile(jsonb_build_array(pg_temp.row('B', '5.01', '2024-03-01')), 'shopify') AS run \gset
SELECT is((SELECT count(*) FROM attribution.reconciliation_status), 2::bigint, 'each source has its own');
SELECT results_eq(
    'SELECT source, transaction_id, status FROM attribution.reconciliation_differences',
    $$VALUES ('shopify'::text COLLATE "C", 'A'::text COLLATE "C", 'missing_in_report'::text COLLATE "C")$$,
    'and its own differences'
);
SELECT is(pg_temp.revenue(), 'EUR 300 300 0, USD 1600 1600 0', 'a statement that lacks a sale does not undo what another said of it');

-- What changes after it was compared is not verified.
INSERT INTO attribution.attribution_events (event_type, session_id, occurred_at, idempotency_key, conversion_value_cents, currency, transaction_id)
VALUES ('refund', gen_random_uuid(), '2024-03-01 20:00+00', 'r', 400, 'USD', 'A'),
    ('refund', gen_random_uuid(), '2024-04-01 20:00+00', 's', 1, 'USD', 'B');
SELECT is(pg_temp.revenue(), 'EUR 300 300 0, USD 1199 600 599', 'a late refund of the same days undoes the match, one of other days stands beside it');
SELECT pg_temp.touch('late', '2024-03-02 04:00+00', 'organic', 3) \g /dev/null
SELECT attribution.process_batch(:'shop') \g /dev/null
SELECT is(pg_temp.revenue(), 'EUR 300 300 0, USD 1199 600 599', 'a restatement changes nothing');
SELECT pg_temp.reconcile(jsonb_build_array(pg_temp.row('A', '10.00', '2024-03-01'), pg_temp.row('A', '-4.00', '2024-03-01 18:00')), 'stripe', p_partial => true) \g /dev/null
SELECT is(pg_temp.revenue(), 'EUR 300 300 0, USD 1199 1200 -1', 'until it is reconciled again');

-- Claims.
SELECT pg_temp.reconcile('[{"channel": "email", "date": "2024-03-01", "amount": "7.50", "currency": "USD", "key": "a"},
    {"channel": "email", "date": "2024-03-01", "amount": "2.50", "currency": "USD", "key": "b"},
    {"channel": "email", "date": "2024-03-02", "amount": "0.40", "currency": "USD"},
    {"channel": "sms", "date": "2024-03-02", "amount": "1.00", "currency": "USD"}]', 'mailer', 'ad_platform') \g /dev/null
CREATE FUNCTION pg_temp.claims() RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(concat_ws(' ', o.source, o.channel_code, o.day, o.claimed_cents, o.ledger_cents, o.overclaim_cents, o.claim_ratio), ', ' ORDER BY o.source, o.day, o.channel_code)
    FROM attribution.platform_overclaim AS o
$$;
SELECT is(
    pg_temp.claims(), 'mailer email 2024-03-01 1000 500 500 2.0000, mailer email 2024-03-02 40 50 -10 0.8000, mailer sms 2024-03-02 100 0 100',
    'claims by channel and day against the book''s credit, before refunds'
);
SELECT is((SELECT count(*) FROM attribution.reconciliation_differences WHERE source = 'mailer'), 0::bigint, 'claims are no differences');
SELECT pg_temp.reconcile('[{"channel": "email", "date": "2024-03-02", "amount": "0.60", "currency": "USD"},
    {"channel": "email", "date": "2024-03-04", "amount": "1.00", "currency": "USD"}]', 'mailer', 'ad_platform') \g /dev/null
SELECT is(
    pg_temp.claims(), 'mailer email 2024-03-01 1000 500 500 2.0000, mailer email 2024-03-02 60 50 10 1.2000, mailer email 2024-03-04 100 0 100',
    'of two statements about a day the newer counts, for all of its days and channels'
);
SELECT pg_temp.running('mailer', 'ad_platform', '2024-03-01', '2024-03-31') AS run \gset
SELECT is(pg_temp.claims(), 'mailer email 2024-03-01 1000 500 500 2.0000, mailer email 2024-03-02 60 50 10 1.2000, mailer email 2024-03-04 100 0 100', 'once it is done');
SELECT pg_temp.reconcile('[{"channel": "email", "date": "2024-03-02", "amount": "5", "currency": "USD"}]', 'other', 'ad_platform', '2024-03-03') \g /dev/null
SELECT ok(pg_temp.claims() NOT LIKE '%other%', 'a claim outside the period that was given does not count');

SELECT tenant_id AS other FROM attribution.create_tenant('Other', 'ops@other.example') \gset
SELECT attribution.set_tenant(:'other') \g /dev/null
SET LOCAL ROLE attribution_reader;
SELECT is(
    (SELECT count(*) FROM attribution.reconciliation_status) + (SELECT count(*) FROM attribution.reconciliation_differences)
    + (SELECT count(*) FROM attribution.realtime_revenue) + (SELECT count(*) FROM attribution.platform_overclaim),
    0::bigint, 'another tenant sees none of it'
);
RESET ROLE;

SELECT * FROM finish();
ROLLBACK;
