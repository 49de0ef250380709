-- What the planner believes about tenants: that each has a twentieth of every table. Always.
--
-- Left to ANALYZE, it would believe that a tenant which is new since the last one has no rows at all, and then reading
-- "all of the tenant's rows" by any index that begins with tenant_id looks as cheap as the index that finds the one row:
-- every insert and every journey of a new tenant, or of a new database, would read the tenant's whole history.
-- So a sample, in which each tenant stands once and none counts as common, is analysed here under n_distinct = 20, and
-- never again: STATISTICS 0 makes ANALYZE leave the column, and what is known of it, alone. What the sample says of other
-- columns (half the events are touches, allocations are not superseded) stands in until the first ANALYZE of real rows.

-- What every event is looked up in is short, and autovacuum never comes by where so little changes: without statistics the
-- planner takes these tables for long ones, and probes an index where reading the one page is faster.
ANALYZE attribution.event_types, attribution.channel_taxonomy, attribution.channel_aliases, attribution.currencies;

INSERT INTO attribution.tenants (name, notification_email, api_key_hash)
SELECT 'sample ' || g, 'nobody@example.com', sha256(int4send(g)) FROM generate_series(1, 200) AS g;
INSERT INTO attribution.attribution_rules (tenant_id, name, model_type)
SELECT id, 'sample', 'linear' FROM attribution.tenants;
INSERT INTO attribution.attribution_events (tenant_id, id, event_type, event_kind, session_id, occurred_at, idempotency_key)
SELECT
    id, id, CASE WHEN name < 'sample 2' THEN 'purchase' ELSE 'visit' END,
    CASE WHEN name < 'sample 2' THEN 'conversion' ELSE 'touch' END, id, now(), 'key ' || id
FROM attribution.tenants;
INSERT INTO attribution.event_keys (tenant_id, idempotency_key, event_id)
SELECT id, 'key ' || id, id FROM attribution.tenants;
INSERT INTO attribution.event_processing (tenant_id, event_id)
SELECT id, id FROM attribution.tenants;
INSERT INTO attribution.dead_events (tenant_id, source, error_code, error_message, raw_payload, idempotency_key)
SELECT id, 'sample', 'MISSING_FIELD', 'sample', '{}', 'sample' FROM attribution.tenants;
INSERT INTO attribution.work_queue (tenant_id, event_ids)
SELECT id, '{}' FROM attribution.tenants;
INSERT INTO attribution.import_sources (tenant_id, name, fingerprint)
SELECT id, 'sample', '0:' || encode(sha256(''), 'hex') FROM attribution.tenants;
INSERT INTO attribution.attribution_allocations (
    tenant_id, id, event_id, rule_id, model_version, is_book, "position", channel_code, allocation_ratio,
    allocated_revenue_cents, currency, occurred_at, reason
)
SELECT tenant_id, tenant_id, tenant_id, id, 'sample', false, 0, 'unattributed', 1, 1, 'USD', now(), 'sample'
FROM attribution.attribution_rules;
INSERT INTO attribution.allocation_overrides (tenant_id, transaction_id, sequence, override_by, reason)
SELECT id, 'sample ' || id, 1, 'sample', 'sample' FROM attribution.tenants;
INSERT INTO attribution.ledger_batches (
    tenant_id, id, kind, posted_at, reason, entry_count, line_ids, line_hashes, entries_hash
)
SELECT id, id, 'attribution', now(), 'sample', 1, ARRAY[id], ARRAY[sha256('')], sha256('') FROM attribution.tenants;
INSERT INTO attribution.revenue_ledger (
    tenant_id, batch_id, transaction_id, event_id, allocation_id, entry_type, account, state, channel_code, amount_cents, currency,
    amount_usd_cents, fx_rate_used, fx_conversion_timestamp, occurred_at, posted_at
)
SELECT id, id, 'sample ' || id, id, id, 'attribution', 'revenue', 'captured', 'unattributed', 1, 'USD', 1, 1, now(), now(), now()
FROM attribution.tenants;
INSERT INTO attribution.revenue_state_transitions (
    tenant_id, transaction_id, currency, sequence, event_id, from_state, to_state, reason
)
SELECT id, 'sample ' || id, 'USD', 1, id, 'captured', 'refunded', 'sample' FROM attribution.tenants;
INSERT INTO attribution.ledger_seals (tenant_id, seq, batch_id, batch_hash, prev_hash, chain_hash, sealed_at)
SELECT id, 1, id, sha256(''), sha256(''), sha256(''), now() FROM attribution.tenants;
INSERT INTO attribution.reconciliation_runs (tenant_id, id, source, kind)
SELECT id, id, 'sample', 'processor' FROM attribution.tenants;
INSERT INTO attribution.reported_revenue (tenant_id, run_id, source, kind, line, row_key, transaction_id, amount_cents, currency)
SELECT id, id, 'sample', 'processor', 1, 'sample', 'sample ' || id, 1, 'USD' FROM attribution.tenants;
INSERT INTO attribution.revenue_verifications (tenant_id, run_id, source, transaction_id, currency, status, reported_cents, ledger_cents)
SELECT id, id, 'sample', 'sample ' || id, 'USD', 'matched', 1, 1 FROM attribution.tenants;
INSERT INTO attribution.unfolded_changes (tenant_id, allocation_ids, batch_ids)
SELECT id, ARRAY[id], ARRAY[id] FROM attribution.tenants;
INSERT INTO attribution.channel_days (
    tenant_id, day, rule_id, is_book, currency, channel_code, allocations, conversions, revenue_cents
)
SELECT id, current_date, id, true, 'USD', 'unattributed', 1, 1, 1 FROM attribution.tenants;
INSERT INTO attribution.ledger_days (tenant_id, day, currency, transactions, conversions, gross_cents, refunded_cents)
SELECT id, current_date, 'USD', 1, 1, 1, 0 FROM attribution.tenants;
INSERT INTO attribution.partner_totals (
    tenant_id, partner_id, currency, sales, conversions, gross_cents, refunded_cents, net_usd_cents
)
SELECT id, 'sample', 'USD', 1, 1, 1, 0, 1 FROM attribution.tenants;
INSERT INTO attribution.conversion_paths (tenant_id, event_id, path, currency, value_cents, touches)
SELECT id, id, 'unattributed', 'USD', 1, 0 FROM attribution.tenants;

DO $$
DECLARE
    v_table text;
BEGIN
    FOREACH v_table IN ARRAY ARRAY[
        'attribution_events', 'event_keys', 'event_processing', 'dead_events', 'work_queue', 'import_sources', 'attribution_rules',
        'allocation_overrides', 'attribution_allocations', 'ledger_batches', 'revenue_ledger', 'revenue_state_transitions',
        'ledger_seals', 'reconciliation_runs', 'reported_revenue', 'revenue_verifications', 'unfolded_changes', 'channel_days',
        'ledger_days', 'partner_totals', 'conversion_paths'
    ] LOOP
        EXECUTE format('ALTER TABLE attribution.%I ALTER COLUMN tenant_id SET (n_distinct = 20)', v_table);
        EXECUTE format('ANALYZE attribution.%I', v_table);
        EXECUTE format('ALTER TABLE attribution.%I ALTER COLUMN tenant_id SET STATISTICS 0', v_table);
    END LOOP;
END
$$;

-- In a subtransaction, so that the tables get new files and count as never filled: the planner then supposes ten pages,
-- where an emptied table would have none and reading all of it would look free.
DO $$
BEGIN
    BEGIN
        TRUNCATE attribution.conversion_paths, attribution.partner_totals, attribution.ledger_days, attribution.channel_days,
            attribution.unfolded_changes, attribution.revenue_verifications, attribution.reported_revenue, attribution.reconciliation_runs,
            attribution.ledger_seals, attribution.revenue_state_transitions, attribution.revenue_ledger,
            attribution.ledger_batches, attribution.attribution_allocations, attribution.allocation_overrides,
            attribution.attribution_rules, attribution.import_sources, attribution.work_queue, attribution.dead_events,
            attribution.event_processing, attribution.event_keys, attribution.attribution_events;
    EXCEPTION
        WHEN lock_not_available THEN
            RAISE;
    END;
END
$$;
DELETE FROM attribution.tenants;
