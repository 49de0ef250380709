-- States: disputes and chargebacks, the legal moves and no others, by the engine (RA006 kept) and by the guard (RA006 raised).
BEGIN;
SELECT plan(27);
\ir ../refunds.psql

SELECT pg_temp.sale('won', '13:00', 1000), pg_temp.back('w1', 'dispute_opened', 'won', NULL, NULL) \g /dev/null
SELECT is(pg_temp.moves('won'), 'captured>disputed', 'a dispute');
SELECT is(pg_temp.held('won'), 'direct 400, email 200, sms 400', 'moves no money');
SELECT pg_temp.back('w2', 'refund', 'won', 100, 'USD', '15:00') \g /dev/null
SELECT is(pg_temp.verdict('w2'), 'failed RA006: ILLEGAL_STATE', 'nothing is refunded while it lasts');
SELECT pg_temp.back('w3', 'dispute_won', 'won', NULL, NULL, '14:30') \g /dev/null
SELECT is(pg_temp.verdict('w2'), 'processed', 'until it is known to have been won before');
SELECT is(
    pg_temp.moves('won'), 'captured>disputed disputed>captured captured>partially_refunded', 'the moves go on where they stood'
);
SELECT pg_temp.back('w4', 'dispute_won', 'won', NULL, NULL, '16:00') \g /dev/null
SELECT is(pg_temp.verdict('w4'), 'failed RA006: ILLEGAL_STATE', 'nobody wins what is not disputed');
SELECT pg_temp.back('w5', 'dispute_opened', 'won', NULL, NULL, '17:00') \g /dev/null
SELECT is(pg_temp.verdict('w5'), 'failed RA006: ILLEGAL_STATE', 'a partly refunded sale is not disputed');
SELECT pg_temp.back('w6', 'chargeback', 'won', 900, 'USD', '18:00') \g /dev/null
SELECT is(pg_temp.verdict('w6'), 'failed RA006: ILLEGAL_STATE', 'nor charged back');
SELECT is((SELECT sum(amount_cents) FROM attribution.revenue_ledger WHERE transaction_id = 'won'), 900::numeric, 'and keeps its money');
SELECT is(
    (SELECT string_agg(check_name, ' ' ORDER BY check_name) FROM attribution.verify_tenant(:'shop')),
    'illegal_state illegal_state illegal_state', 'verify() names what was refused'
);

SELECT pg_temp.sale('lost', '13:00', 1000), pg_temp.back('l1', 'dispute_opened', 'lost'), pg_temp.back('l2', 'chargeback', 'lost', 1000, 'USD', '15:00') \g /dev/null
SELECT is(pg_temp.moves('lost'), 'captured>disputed disputed>charged_back', 'a dispute that is lost is a chargeback');
SELECT is(pg_temp.held('lost'), NULL, 'which takes the money back');
SELECT is(
    (SELECT string_agg(DISTINCT entry_type || ' ' || account || ' ' || state, '') FROM attribution.revenue_ledger WHERE event_id = pg_temp.id('l2')),
    'chargeback returns charged_back', 'by lines of its own type'
);
SELECT pg_temp.back('l3', 'refund', 'lost', 1, 'USD', '16:00'), pg_temp.back('l4', 'chargeback', 'lost', 1, 'USD', '16:00') \g /dev/null
SELECT is(pg_temp.verdict('l3') || ', ' || pg_temp.verdict('l4'), 'failed RA007: OVER_REFUND, failed RA007: OVER_REFUND', 'once');

SELECT pg_temp.sale('sudden', '13:00', 1000), pg_temp.back('c1', 'chargeback', 'sudden', 600) \g /dev/null
SELECT is(pg_temp.moves('sudden'), 'captured>disputed disputed>charged_back', 'a chargeback that no dispute announced is both');
SELECT is(pg_temp.held('sudden'), 'direct 160, email 80, sms 160', 'the fee that is not charged back stays');
SELECT pg_temp.back('c2', 'refund', 'sudden', 1, 'USD', '15:00') \g /dev/null
SELECT is(pg_temp.verdict('c2'), 'failed RA006: ILLEGAL_STATE', 'a sale that is charged back is not refunded');

SELECT pg_temp.sale('full', '13:00', 10), pg_temp.back('f1', 'refund', 'full', 10), pg_temp.back('f2', 'dispute_opened', 'full', NULL, NULL, '15:00') \g /dev/null
SELECT is(pg_temp.verdict('f2'), 'failed RA006: ILLEGAL_STATE', 'nor is a refunded one disputed');

SELECT pg_temp.sale('two', '13:00', 10), pg_temp.sale('two more', '13:00', 10, 'EUR', 1, 'two'), pg_temp.back('d1', 'dispute_opened', 'two', NULL, NULL) \g /dev/null
SELECT is(pg_temp.moves('two'), 'captured>disputed captured>disputed', 'a dispute without a currency is about all of them');
SELECT is(
    (SELECT string_agg(currency || ' ' || state, ', ' ORDER BY currency) FROM attribution.revenue_transactions WHERE transaction_id = 'two'),
    'EUR disputed, USD disputed', 'each has its state'
);

-- The guard, whoever inserts.
SELECT attribution.process_batch(:'shop') \g /dev/null
CREATE FUNCTION pg_temp.move(p_transaction text, p_sequence int, p_from text, p_to text, p_restates boolean) RETURNS void LANGUAGE sql AS $$
    INSERT INTO attribution.revenue_state_transitions (tenant_id, transaction_id, currency, sequence, event_id, from_state, to_state, restates, reason)
    VALUES (attribution.current_tenant(), p_transaction, 'USD', p_sequence, CASE WHEN NOT p_restates THEN pg_temp.id('f1') END, p_from, p_to, p_restates, 'test')
$$;
SELECT throws_ok(
    $$SELECT pg_temp.move('lost', 3, 'charged_back', 'captured', false)$$, 'RA006',
    'a transaction that is charged_back does not move from charged_back to captured', 'the guard knows the legal moves'
);
SELECT throws_ok(
    $$SELECT pg_temp.move('lost', 3, 'captured', 'disputed', false)$$, 'RA006',
    'a transaction that is charged_back does not move from captured to disputed', 'and where a transaction stands'
);
SELECT throws_ok(
    $$SELECT pg_temp.move('lost', 3, 'charged_back', 'nowhere', false)$$, 'RA006',
    'a transaction that is charged_back does not move from charged_back to nowhere', 'and the states'
);
SELECT lives_ok($$SELECT pg_temp.move('lost', 3, 'charged_back', 'captured', true)$$, 'late facts may lead back to captured');
SELECT is(
    (SELECT string_agg(check_name || ' ' || object, ', ') FROM attribution.verify_tenant(:'shop') WHERE check_name = 'state_drift'),
    'state_drift transaction lost', 'but not for nothing'
);
SELECT throws_ok(
    $$UPDATE attribution.revenue_state_transitions SET to_state = 'captured' WHERE transaction_id = 'lost'$$, 'RA001', NULL, 'moves are append-only'
);
SELECT throws_ok(
    $$DELETE FROM attribution.revenue_state_transitions WHERE transaction_id = 'lost'$$, 'RA001', NULL, 'for good'
);

SELECT * FROM finish();
ROLLBACK;
