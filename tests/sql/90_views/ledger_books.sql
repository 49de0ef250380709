-- trial_balance, ledger_balances, unconverted_lines, revenue_transactions: what a month-end close reads, added up by hand.
BEGIN;
SELECT plan(12);
\ir ../refunds.psql

SELECT pg_temp.sale('a', '13:00', 1001), pg_temp.sale('b', '13:00', 99), pg_temp.sale('c', '13:00', 500, 'EUR') \g /dev/null
SELECT pg_temp.back('a1', 'refund', 'a', 501), pg_temp.back('a2', 'refund', 'a', 600, 'USD', '15:00'), pg_temp.back('c1', 'chargeback', 'c', 500, 'EUR'),
    pg_temp.back('n1', 'refund', 'never', 7) \g /dev/null
SELECT results_eq(
    'SELECT currency, captured_cents, refunded_cents, ledger_cents, difference_cents FROM attribution.trial_balance ORDER BY currency',
    $$VALUES ('EUR'::text COLLATE "C", 500::numeric, 500::numeric, 0::numeric, 0::numeric), ('USD', 1100, 501, 599, 0)$$,
    'captured minus taken back is what the ledger holds; what was refused or waits is not taken back'
);
SELECT results_eq(
    'SELECT transaction_id, state, captured_cents, refunded_cents, net_cents, net_usd_cents, lines FROM attribution.revenue_transactions ORDER BY 1',
    $$VALUES ('a'::text COLLATE "C", 'partially_refunded'::text COLLATE "C", 1001::numeric, 501::numeric, 500::numeric, 500::numeric, 6::bigint),
        ('b', 'captured', 99, 0, 99, 99, 3), ('c', 'charged_back', 500, 500, 0, NULL, 6)$$, 'by transaction'
);
SELECT results_eq(
    $$SELECT channel_code, balance_cents, balance_usd_cents, refunded_cents, lines FROM attribution.ledger_balances WHERE transaction_id = 'a' ORDER BY 1$$,
    $$VALUES ('direct'::text COLLATE "C", 200::numeric, 200::numeric, 200::numeric, 2::bigint), ('email', 100, 100, 100, 2), ('sms', 200, 200, 201, 2)$$,
    'by channel'
);
SELECT results_eq(
    'SELECT channel_code, sum(balance_cents) FROM attribution.ledger_balances WHERE currency = ''USD'' GROUP BY 1 ORDER BY 1',
    $$VALUES ('direct'::text COLLATE "C", 239::numeric), ('email', 120), ('sms', 240)$$, 'summed over transactions'
);
SELECT is((SELECT count(*) FROM attribution.unconverted_lines), 6::bigint, 'what is charged back is unconverted like the sale');

-- A restatement changes none of the sums.
SELECT pg_temp.touch('late', '12:30', 'organic'), attribution.process_batch(:'shop') \g /dev/null
SELECT results_eq(
    'SELECT currency, captured_cents, refunded_cents, ledger_cents, difference_cents FROM attribution.trial_balance ORDER BY currency',
    $$VALUES ('EUR'::text COLLATE "C", 500::numeric, 500::numeric, 0::numeric, 0::numeric), ('USD', 1100, 501, 599, 0)$$,
    'a late touch moves credit, not money'
);
SELECT results_eq(
    'SELECT transaction_id, state, captured_cents, refunded_cents, net_cents FROM attribution.revenue_transactions ORDER BY 1',
    $$VALUES ('a'::text COLLATE "C", 'partially_refunded'::text COLLATE "C", 1001::numeric, 501::numeric, 500::numeric),
        ('b', 'captured', 99, 0, 99), ('c', 'charged_back', 500, 500, 0)$$, 'of no transaction'
);
SELECT is((SELECT count(*) FROM attribution.unconverted_lines), 8::bigint, 'lines that are reversed are not listed, those in their place are');

-- The trial balance can fail.
ALTER TABLE attribution.revenue_ledger DISABLE TRIGGER ALL;
DELETE FROM attribution.revenue_ledger WHERE id = (SELECT id FROM attribution.revenue_ledger WHERE transaction_id = 'b' LIMIT 1);
SELECT isnt((SELECT difference_cents FROM attribution.trial_balance WHERE currency = 'USD'), 0::numeric, 'a line that is missing is a difference');

-- Each tenant reads its own.
SELECT tenant_id AS other FROM attribution.create_tenant('Other', 'ops@other.example') \gset
SET LOCAL ROLE attribution_reader;
SELECT attribution.set_tenant(:'other') \g /dev/null
SELECT is_empty('SELECT * FROM attribution.trial_balance', 'another tenant has no trial balance of this');
SELECT is_empty('SELECT * FROM attribution.ledger_balances', 'no balances');
SELECT is_empty('SELECT * FROM attribution.unconverted_lines', 'and no lines');

SELECT * FROM finish();
ROLLBACK;
