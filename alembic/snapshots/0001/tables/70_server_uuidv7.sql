-- PostgreSQL 18 makes UUIDv7 itself, faster and monotonic within a backend: use it for the ids it generates.

DO $$
DECLARE
    v_table text;
BEGIN
    IF current_setting('server_version_num')::int >= 180000 THEN
        FOREACH v_table IN ARRAY ARRAY[
            'tenants', 'attribution_events', 'dead_events', 'work_queue', 'attribution_rules', 'allocation_overrides',
            'attribution_allocations', 'ledger_batches', 'revenue_ledger', 'revenue_state_transitions', 'reconciliation_runs',
            'reported_revenue', 'revenue_verifications', 'unfolded_changes', 'channel_days'
        ] LOOP
            EXECUTE format('ALTER TABLE attribution.%I ALTER COLUMN id SET DEFAULT pg_catalog.uuidv7()', v_table);
        END LOOP;
    END IF;
END
$$;
