-- daily_revenue_summary, revenue_transactions, allocation_summary: the ledger by day and by sale, and the proof.
BEGIN;
SELECT plan(10);
\ir ../month.psql

SELECT results_eq(
    'SELECT day, currency, transactions, conversions, gross_cents::bigint, refunded_cents::bigint, net_cents::bigint FROM attribution.daily_revenue_summary ORDER BY day, currency',
    $$VALUES
    ('2024-03-01'::date, 'USD'::text COLLATE "C", 2::bigint, 2::bigint, 1501::bigint, 0::bigint, 1501::bigint),
    ('2024-03-02', 'EUR', 1, 1, 300, 0, 300),
    ('2024-03-02', 'USD', 1, 1, 99, 0, 99)$$,
    'daily_revenue_summary: a sale of nothing does not appear'
);
SELECT results_eq(
    'SELECT transaction_id, currency, state, captured_cents::bigint, refunded_cents::bigint, net_cents::bigint, lines FROM attribution.revenue_transactions ORDER BY 1',
    $$VALUES
    ('A'::text COLLATE "C", 'USD'::text COLLATE "C", 'captured'::text COLLATE "C", 1000::bigint, 0::bigint, 1000::bigint, 2::bigint),
    ('B', 'USD', 'captured', 501, 0, 501, 1),
    ('C', 'EUR', 'captured', 300, 0, 300, 1),
    ('D', 'USD', 'captured', 99, 0, 99, 2)$$,
    'revenue_transactions'
);
SELECT results_eq(
    'SELECT transaction_id, rule_name, is_book, currency, revenue_cents::bigint, allocated_cents::bigint, drift_cents::bigint, touches FROM attribution.allocation_summary ORDER BY 1, 2',
    $$VALUES
    ('A'::text COLLATE "C", 'last_touch', false, 'USD'::text COLLATE "C", 1000::bigint, 1000::bigint, 0::bigint, 1::bigint),
    ('A', 'linear', false, 'USD', 1000, 1000, 0, 2), ('A', 'position_based_30d', true, 'USD', 1000, 1000, 0, 2),
    ('B', 'last_touch', false, 'USD', 501, 501, 0, 1), ('B', 'linear', false, 'USD', 501, 501, 0, 1), ('B', 'position_based_30d', true, 'USD', 501, 501, 0, 1),
    ('C', 'last_touch', false, 'EUR', 300, 300, 0, 0), ('C', 'linear', false, 'EUR', 300, 300, 0, 0), ('C', 'position_based_30d', true, 'EUR', 300, 300, 0, 0),
    ('D', 'last_touch', false, 'USD', 99, 99, 0, 1), ('D', 'linear', false, 'USD', 99, 99, 0, 2), ('D', 'position_based_30d', true, 'USD', 99, 99, 0, 2),
    ('E', 'last_touch', false, 'USD', 0, 0, 0, 1), ('E', 'linear', false, 'USD', 0, 0, 0, 1), ('E', 'position_based_30d', true, 'USD', 0, 0, 0, 1)$$,
    'allocation_summary: every conversion under every rule, with its touches, and no drift'
);
SELECT is_empty('SELECT 1 FROM attribution.revenue_transactions WHERE first_posted_at <> last_posted_at', 'each was posted once');

-- A restatement.
SELECT pg_temp.touch('late', '2024-03-02 04:00+00', 'organic', 3) \g /dev/null
SELECT attribution.process_batch(:'shop') \g /dev/null
SELECT results_eq(
    $$SELECT transactions, conversions, gross_cents::bigint, net_cents::bigint FROM attribution.daily_revenue_summary WHERE currency = 'EUR'$$,
    'VALUES (1::bigint, 1::bigint, 300::bigint, 300::bigint)', 'a restatement changes no day'
);
SELECT results_eq(
    $$SELECT captured_cents::bigint, net_cents::bigint, lines, last_posted_at > first_posted_at FROM attribution.revenue_transactions WHERE transaction_id = 'C'$$,
    'VALUES (300::bigint, 300::bigint, 3::bigint, true)', 'nor the sale, but for its lines'
);
SELECT results_eq(
    $$SELECT allocated_cents::bigint, drift_cents::bigint, touches FROM attribution.allocation_summary WHERE transaction_id = 'C' AND is_book$$,
    'VALUES (300::bigint, 0::bigint, 1::bigint)', 'superseded shares are not counted'
);

-- A refund of 201 of A, three days later.
INSERT INTO attribution.attribution_events (event_type, session_id, occurred_at, idempotency_key, conversion_value_cents, currency, transaction_id)
VALUES ('refund', gen_random_uuid(), '2024-03-04 12:00+00', 'r', 201, 'USD', 'A');
SELECT results_eq(
    $$SELECT transactions, conversions, gross_cents::bigint, refunded_cents::bigint, net_cents::bigint FROM attribution.daily_revenue_summary WHERE day = '2024-03-04'$$,
    'VALUES (1::bigint, 0::bigint, 0::bigint, 201::bigint, -201::bigint)', 'a refund is of its own day'
);
SELECT results_eq(
    $$SELECT state, captured_cents::bigint, refunded_cents::bigint, net_cents::bigint, lines FROM attribution.revenue_transactions WHERE transaction_id = 'A'$$,
    $$VALUES ('partially_refunded'::text COLLATE "C", 1000::bigint, 201::bigint, 799::bigint, 4::bigint)$$, 'and the sale shows it'
);
SELECT results_eq(
    'SELECT sum(net_cents) FROM attribution.daily_revenue_summary WHERE currency = ''USD''',
    'SELECT sum(net_cents) FROM attribution.revenue_transactions WHERE currency = ''USD''', 'days and sales have one sum'
);

SELECT * FROM finish();
ROLLBACK;
