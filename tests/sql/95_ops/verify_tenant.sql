-- verify() on rows that a superuser has tampered with, behind disabled triggers: each breach is found.
BEGIN;
SELECT plan(37);
\ir ../shop.psql
-- Sale s has two touches and was restated by the second; sale u has two more; x has none.
SELECT pg_temp.touch('t1', '10:00', 'sms', 1, 'spring'), pg_temp.sale('s', '12:00', 1000) \g /dev/null
SELECT pg_temp.touch('t2', '11:00', 'email') \g /dev/null
SELECT pg_temp.touch('t3', '10:00', 'sms', 2), pg_temp.touch('t4', '11:00', 'email', 2), pg_temp.sale('u', '12:00', 500, 'EUR', 2),
    pg_temp.sale('x', '12:00', 70, 'USD', 3) \g /dev/null
SELECT attribution.process_batch(:'shop') \g /dev/null
SELECT is_empty('SELECT * FROM attribution.verify()', 'nothing is wrong at first');
SELECT is_empty(format('SELECT * FROM attribution.verify(%L)', :'shop'), 'nor for this tenant alone');
SELECT throws_ok(
    'SELECT * FROM attribution.verify(''00000000-0000-0000-0000-000000000000'')', 'RA004', 'unknown tenant', 'an unknown tenant is an error'
);

-- Does what a tamperer does, asks verify_tenant(), and undoes it.
CREATE FUNCTION pg_temp.found(p_statements text) RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE
    v_found text[];
    v_table text;
BEGIN
    <<try>>
    BEGIN
        FOR v_table IN SELECT c.oid::regclass FROM pg_class AS c WHERE c.relnamespace = 'attribution'::regnamespace AND c.relkind = 'r' LOOP
            EXECUTE format('ALTER TABLE %s DISABLE TRIGGER ALL', v_table);
        END LOOP;
        EXECUTE p_statements;
        SELECT coalesce(array_agg(DISTINCT v.check_name ORDER BY v.check_name), '{}') INTO v_found
        FROM attribution.verify_tenant(attribution.current_tenant()) AS v;
        RAISE EXCEPTION USING ERRCODE = 'QQ000';
    EXCEPTION
        WHEN SQLSTATE 'QQ000' THEN NULL;
    END try;
    RETURN v_found;
END
$$;
SELECT is(pg_temp.found('SELECT 1'), '{}'::text[], 'doing nothing is not found');

-- Ledger lines
SELECT ok(
    pg_temp.found('UPDATE attribution.revenue_ledger SET amount_cents = amount_cents + 1, amount_usd_cents = amount_usd_cents + 1
        WHERE transaction_id = ''x''') @> ARRAY['ledger_drift', 'ledger_foreign_line', 'line_altered'], 'an amount altered'
);
SELECT ok(
    pg_temp.found('UPDATE attribution.revenue_ledger SET channel_code = ''partner'' WHERE transaction_id = ''u''') @> ARRAY['ledger_foreign_line', 'line_altered'],
    'a channel altered'
);
SELECT ok(pg_temp.found('UPDATE attribution.revenue_ledger SET ' || a.attname || ' = ' || CASE
        WHEN a.atttypid = 'uuid'::regtype THEN '''00000000-0000-0000-0000-00000000000a'''
        WHEN a.atttypid = 'timestamptz'::regtype THEN '''2024-03-01 00:00:00.000001+00'''
        WHEN a.attname IN ('state', 'previous_state') THEN '''disputed'''
        WHEN a.attname = 'currency' THEN '''GBP'''
        WHEN a.attname = 'channel_code' THEN '''partner'''
        WHEN a.attname = 'audit_trail' THEN '''{}'''
        WHEN a.attname = 'revision' THEN '7'
        ELSE '''77''' END || ' WHERE id = (SELECT max(id::text)::uuid FROM attribution.revenue_ledger WHERE transaction_id = ''u'')')
    @> ARRAY['line_altered'], a.attname || ' of one line altered')
FROM pg_attribute AS a
WHERE a.attrelid = 'attribution.revenue_ledger'::regclass AND a.attname IN ('transaction_id', 'posted_at', 'occurred_at', 'state', 'campaign_id',
    'audit_trail', 'override_by', 'revision')
ORDER BY a.attname;
SELECT ok(
    pg_temp.found('DELETE FROM attribution.revenue_ledger WHERE transaction_id = ''x''') @> ARRAY['allocation_unposted', 'ledger_drift', 'line_removed'],
    'a line deleted'
);
SELECT ok(
    pg_temp.found('DELETE FROM attribution.revenue_ledger WHERE entry_type = ''reversal''') @> ARRAY['allocation_not_reversed', 'ledger_drift', 'line_removed'],
    'a reversal deleted'
);
SELECT ok(
    pg_temp.found($$INSERT INTO attribution.revenue_ledger (tenant_id, batch_id, transaction_id, event_id, allocation_id, entry_type, account, state,
        channel_code, amount_cents, currency, amount_usd_cents, fx_rate_used, fx_conversion_timestamp, revision, occurred_at, posted_at)
        SELECT tenant_id, batch_id, transaction_id, event_id, allocation_id, entry_type, account, state, channel_code, 5, currency, 5, 1,
            occurred_at, 1, occurred_at, posted_at
        FROM attribution.revenue_ledger WHERE transaction_id = 'x'$$) @> ARRAY['ledger_drift', 'ledger_foreign_line', 'line_inserted'],
    'a line inserted'
);
SELECT ok(
    pg_temp.found($$WITH b AS (
            INSERT INTO attribution.ledger_batches (tenant_id, kind, posted_at, reason, entry_count, line_ids, line_hashes, entries_hash)
            SELECT tenant_id, kind, posted_at, reason, 1, line_ids[:1], line_hashes[:1], entries_hash FROM attribution.ledger_batches
            LIMIT 1 RETURNING id
        )
        UPDATE attribution.revenue_ledger SET batch_id = b.id FROM b WHERE transaction_id = 'x'$$)
        @> ARRAY['batch_altered', 'line_inserted', 'line_removed'],
    'a line moved into a batch of its own'
);
-- Batches
SELECT ok(
    pg_temp.found('DELETE FROM attribution.ledger_batches WHERE kind = ''restatement''') @> ARRAY['orphan'], 'a batch deleted'
);
SELECT ok(
    pg_temp.found($$WITH l AS (DELETE FROM attribution.revenue_ledger WHERE transaction_id = 'x' RETURNING batch_id)
        DELETE FROM attribution.ledger_batches WHERE id IN (SELECT batch_id FROM l)$$) @> ARRAY['allocation_unposted', 'ledger_drift'],
    'a batch deleted with its lines'
);
SELECT ok(
    pg_temp.found('UPDATE attribution.ledger_batches SET entry_count = 1, line_ids = line_ids[:1], line_hashes = line_hashes[:1]')
        @> ARRAY['batch_altered', 'line_inserted'], 'a line taken off a batch''s list'
);
SELECT ok(
    pg_temp.found('UPDATE attribution.ledger_batches SET entries_hash = sha256('''')') @> ARRAY['batch_altered'], 'a hash altered'
);
SELECT isnt(
    pg_temp.found('UPDATE attribution.ledger_batches SET posted_at = ''2024-03-01'' WHERE kind = ''restatement'''), '{}'::text[],
    'the time of a batch altered'
);
SELECT isnt(
    pg_temp.found('UPDATE attribution.ledger_batches SET cause_event_id = NULL, rule_id = NULL, kind = ''adjustment'', reason = ''x'''), '{}'::text[],
    'cause, rule, kind and reason of a batch altered'
);
-- Allocations
SELECT ok(
    pg_temp.found('UPDATE attribution.attribution_allocations SET allocated_revenue_cents = allocated_revenue_cents + 1') @> ARRAY['allocation_drift', 'ledger_foreign_line'],
    'allocated cents altered'
);
SELECT isnt(
    pg_temp.found($$UPDATE attribution.attribution_allocations SET allocated_revenue_cents = allocated_revenue_cents + CASE "position" WHEN 1 THEN 10 ELSE -10 END
        WHERE model_version = 'linear/1' AND event_id = (SELECT id FROM attribution.attribution_events WHERE idempotency_key = 'u')$$), '{}'::text[],
    'cents of a shadow rule moved from one touch to another'
);
SELECT isnt(
    pg_temp.found('UPDATE attribution.attribution_allocations SET touch_id = (SELECT id FROM attribution.attribution_events WHERE idempotency_key = ''t1'')
        WHERE touch_id IS NOT NULL AND superseded_at IS NULL'), '{}'::text[], 'a touch exchanged'
);
SELECT isnt(
    pg_temp.found('UPDATE attribution.attribution_allocations SET allocation_ratio = 0.9 WHERE is_book AND superseded_at IS NULL'), '{}'::text[],
    'a ratio altered'
);
SELECT ok(
    pg_temp.found('DELETE FROM attribution.attribution_allocations WHERE NOT is_book AND "position" = 1') @> ARRAY['allocation_drift'],
    'an allocation of a shadow rule deleted'
);
SELECT ok(
    pg_temp.found('UPDATE attribution.attribution_allocations SET superseded_at = now() WHERE is_book AND superseded_at IS NULL') @> ARRAY['allocation_not_reversed'],
    'allocations superseded, and nothing posted instead'
);
-- Events and processing
SELECT ok(
    pg_temp.found('UPDATE attribution.attribution_events SET conversion_value_cents = 71 WHERE idempotency_key = ''x''')
        @> ARRAY['allocation_drift', 'ledger_drift'], 'the value of a sale altered'
);
SELECT ok(
    pg_temp.found('DELETE FROM attribution.attribution_events WHERE idempotency_key = ''t1''') @> ARRAY['orphan'], 'a touch deleted'
);
SELECT isnt(
    pg_temp.found('UPDATE attribution.attribution_events SET channel_code = ''partner'' WHERE idempotency_key = ''t1'''), '{}'::text[], 'a touch''s channel altered'
);
SELECT ok(
    pg_temp.found('DELETE FROM attribution.event_processing WHERE true') @> ARRAY['orphan'], 'the state of processing deleted'
);
SELECT ok(
    pg_temp.found('DELETE FROM attribution.attribution_events WHERE idempotency_key = ''x''') @> ARRAY['orphan', 'ledger_foreign_line'], 'a sale deleted'
);
SELECT isnt(
    pg_temp.found('DELETE FROM attribution.revenue_ledger; DELETE FROM attribution.ledger_batches; DELETE FROM attribution.attribution_allocations;
        UPDATE attribution.event_processing SET processing_status = ''pending'''), '{}'::text[],
    'sales put back to pending that no queue row names'
);
SELECT is_empty('SELECT * FROM attribution.verify()', 'all of it undone, nothing is wrong');

SELECT * FROM finish();
ROLLBACK;
