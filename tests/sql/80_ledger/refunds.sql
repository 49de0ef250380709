-- Refunds: divided pro rata to what is left, in any number of parts, in any order of arrival; refused where they may not be.
BEGIN;
SELECT plan(36);
\ir ../refunds.psql

-- In parts, to nothing.
SELECT pg_temp.sale('s', '13:00', 1001) \g /dev/null
SELECT is(pg_temp.held('s'), 'direct 400, email 200, sms 401', 'a sale of 1001');
SELECT pg_temp.back('r1', 'refund', 's', 500) \g /dev/null
SELECT is(pg_temp.held('s'), 'direct 200, email 100, sms 201', 'half of it is taken from each line');
SELECT is(pg_temp.verdict('r1'), 'processed', 'it is processed');
SELECT results_eq(
    $$SELECT kind, cause_event_id, entry_count FROM attribution.ledger_batches ORDER BY posted_at DESC LIMIT 1$$,
    $$VALUES ('refund'::text COLLATE "C", pg_temp.id('r1'), 3)$$, 'as a batch of its own'
);
SELECT results_eq(
    $$SELECT DISTINCT entry_type, account, previous_state, state, occurred_at FROM attribution.revenue_ledger WHERE event_id = pg_temp.id('r1')$$,
    $$VALUES ('refund'::text COLLATE "C", 'returns'::text COLLATE "C", 'captured'::text COLLATE "C", 'partially_refunded'::text COLLATE "C", pg_temp.at('14:00'))$$,
    'whose lines say what they are, and belong to the refund''s day'
);
SELECT is(pg_temp.moves('s'), 'captured>partially_refunded', 'the move is recorded');
SELECT is(
    (SELECT l.event_id FROM attribution.revenue_state_transitions AS t JOIN attribution.revenue_ledger AS l ON l.id = t.ledger_id),
    pg_temp.id('r1'), 'with a line of the refund'
);
SELECT pg_temp.back('r2', 'refund', 's', 1, 'USD', '15:00'), pg_temp.back('r3', 'refund', 's', 1, 'USD', '16:00') \g /dev/null
SELECT is(pg_temp.held('s'), 'direct 200, email 100, sms 199', 'a single cent goes to the largest fraction, ties to the earliest');
SELECT is(pg_temp.moves('s'), 'captured>partially_refunded', 'one more part is no move');
SELECT pg_temp.back('r4', 'refund', 's', 499, 'USD', '17:00') \g /dev/null
SELECT is(pg_temp.held('s'), NULL, 'all parts together leave nothing');
SELECT is_empty(
    $$SELECT allocation_id FROM attribution.revenue_ledger WHERE transaction_id = 's' GROUP BY 1 HAVING sum(amount_cents) <> 0 OR sum(amount_usd_cents) <> 0$$,
    'on any line'
);
SELECT is(pg_temp.moves('s'), 'captured>partially_refunded partially_refunded>refunded', 'and the sale is refunded');

-- More than is left.
SELECT pg_temp.back('r5', 'refund', 's', 1, 'USD', '18:00') \g /dev/null
SELECT is(pg_temp.verdict('r5'), 'failed RA007: OVER_REFUND', 'more than is left is refused');
SELECT is((SELECT count(*) FROM attribution.revenue_ledger WHERE event_id = pg_temp.id('r5')), 0::bigint, 'and not posted');
SELECT results_eq(
    'SELECT over_refunds, unposted_refunds FROM attribution.pipeline_health', 'VALUES (1::bigint, 1::bigint)', 'pipeline_health counts it'
);
SELECT results_eq(
    $$SELECT check_name, object FROM attribution.verify_tenant(attribution.current_tenant())$$,
    $$VALUES ('over_refund', 'event ' || pg_temp.id('r5'))$$, 'and verify() names it, and nothing else'
);
SELECT is(
    (SELECT next_retry_at FROM attribution.event_processing WHERE event_id = pg_temp.id('r5')), NULL, 'no retry would mend it'
);
SELECT pg_temp.sale('s more', '13:30', 10, 'USD', 1, 's') \g /dev/null
SELECT is(pg_temp.verdict('r5'), 'processed', 'more of the sale does');
SELECT is((SELECT sum(amount_cents) FROM attribution.revenue_ledger WHERE transaction_id = 's'), 9::numeric, 'and it is taken back');
SELECT is(
    pg_temp.moves('s'),
    'captured>partially_refunded partially_refunded>refunded ~refunded>captured captured>partially_refunded',
    'the history is told again: nothing was ever wholly refunded'
);

-- A refund that is sent twice counts once.
SELECT pg_temp.back('r5', 'refund', 's', 1, 'USD', '18:00') \g /dev/null
SELECT is((SELECT sum(amount_cents) FROM attribution.revenue_ledger WHERE transaction_id = 's'), 9::numeric, 'sent again, it counts once');

-- Before its sale; an earlier one that comes late.
SELECT pg_temp.back('early', 'refund', 'later', 40, 'USD', '12:00') \g /dev/null
SELECT is(pg_temp.verdict('early'), 'pending', 'a refund waits for its sale');
SELECT is_empty($$SELECT id FROM attribution.revenue_ledger WHERE transaction_id = 'later'$$, 'and posts nothing');
SELECT pg_temp.sale('later', '13:00', 100) \g /dev/null
SELECT is(pg_temp.verdict('early'), 'processed', 'until it comes');
SELECT is(pg_temp.held('later'), 'direct 24, email 12, sms 24', 'and is taken from it');
SELECT pg_temp.back('too late', 'refund', 'later', 60, 'USD', '15:00'), pg_temp.back('in between', 'refund', 'later', 10, 'USD', '14:00') \g /dev/null
SELECT is(pg_temp.verdict('too late'), 'failed RA007: OVER_REFUND', 'a refund that came later and was earlier goes first');
SELECT is((SELECT sum(amount_cents) FROM attribution.revenue_ledger WHERE transaction_id = 'later'), 50::numeric, 'and what was booked is taken back');
SELECT is(
    pg_temp.moves('later'), 'captured>partially_refunded partially_refunded>refunded ~refunded>captured captured>partially_refunded',
    'with its state'
);

-- After a restatement, and restated itself.
SELECT pg_temp.sale('moved', '13:00', 1000), pg_temp.back('m1', 'refund', 'moved', 500), pg_temp.touch('t4', '11:30', 'email') \g /dev/null
SELECT attribution.process_batch(:'shop') \g /dev/null
SELECT is(pg_temp.held('moved'), 'direct 200, email 100, sms 200', 'a late touch divides the rest of a refunded sale anew');
SELECT is(
    (SELECT string_agg(DISTINCT l.state || '/' || l.previous_state, ' ') FROM attribution.revenue_ledger AS l
    JOIN attribution.ledger_batches AS b ON b.id = l.batch_id
    WHERE l.transaction_id = 'moved' AND b.kind = 'restatement' AND l.entry_type IN ('reversal', 'attribution')),
    'partially_refunded/partially_refunded', 'which moves no state'
);
SELECT pg_temp.back('m2', 'refund', 'moved', 500, 'USD', '15:00') \g /dev/null
SELECT is(pg_temp.held('moved'), NULL, 'and ends at nothing');

-- In another currency; without a sale; not a refund at all.
SELECT pg_temp.sale('dollars', '13:00', 100), pg_temp.back('euros', 'refund', 'dollars', 10, 'EUR') \g /dev/null
SELECT is(pg_temp.verdict('euros'), 'failed RA007: CURRENCY_MISMATCH', 'a refund is in the currency of its sale');
SELECT is(pg_temp.held('dollars'), 'direct 40, email 20, sms 40', 'nothing is taken back');
SELECT pg_temp.back('nothing', 'refund', 'dollars', 0), pg_temp.back('less', 'refund', 'dollars', -5), pg_temp.back('nobody', 'refund', NULL, 5) \g /dev/null
SELECT results_eq(
    'SELECT raw_payload ->> ''idempotency_key'', error_code FROM attribution.dead_events ORDER BY 1',
    $$VALUES ('less', 'INVALID_VALUE'::text COLLATE "C"), ('nobody', 'MISSING_FIELD'), ('nothing', 'INVALID_VALUE')$$,
    'zero, less than zero and no transaction are no refunds'
);

-- Another tenant's sale is not there.
SELECT tenant_id AS other FROM attribution.create_tenant('Other', 'ops@other.example') \gset
SELECT attribution.set_tenant(:'other') \g /dev/null
SELECT pg_temp.back('foreign', 'refund', 'dollars', 10) \g /dev/null
SELECT is(pg_temp.verdict('foreign'), 'pending', 'a refund of another tenant''s sale waits, as one of no sale does');
SELECT attribution.set_tenant(:'shop') \g /dev/null
SELECT is(pg_temp.held('dollars'), 'direct 40, email 20, sms 40', 'and takes nothing from it');

SELECT * FROM finish();
ROLLBACK;
