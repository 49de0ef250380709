-- erase_tenant(p_tenant, p_confirm_name): remove a tenant and all its rows. The only way rows disappear.
--
-- p_confirm_name the tenant's name, as a second pair of eyes
-- Returns  rows removed, by table
-- Errors   RA004 unknown tenant, or the name does not match; RA009 the login is bound to another tenant
-- Writes   tenant_erasures, then deletes from every tenant table, referencing tables first
-- SECURITY DEFINER: nobody but the engine may delete. The guards let these deletes pass because this transaction
-- recorded the erasure, and refuse the commit if the tenant were still there.

CREATE OR REPLACE FUNCTION attribution.erase_tenant(p_tenant uuid, p_confirm_name text)
RETURNS jsonb
LANGUAGE plpgsql
VOLATILE
SECURITY DEFINER
SET search_path = attribution, pg_temp
SET lock_timeout = '10s'
AS $$
DECLARE
    v_name text;
    v_count bigint;
    v_counts jsonb := jsonb_build_object();
BEGIN
    PERFORM attribution.assert_tenant(p_tenant);
    -- Waits for inserts in flight (they hold a key share of the row) and keeps new ones out.
    SELECT t.name INTO v_name FROM attribution.tenants AS t WHERE t.id = p_tenant FOR UPDATE;
    IF v_name IS DISTINCT FROM p_confirm_name THEN
        RAISE EXCEPTION USING
            ERRCODE = 'RA004',
            MESSAGE = 'the name does not match the tenant',
            DETAIL = format('Tenant %s has another name than %L.', p_tenant, p_confirm_name),
            HINT = 'Erasing cannot be undone. Give the tenant''s exact name to confirm.';
    END IF;

    INSERT INTO attribution.tenant_erasures (erased_tenant_id) VALUES (p_tenant);

    DELETE FROM attribution.unfolded_changes WHERE tenant_id = p_tenant;
    GET DIAGNOSTICS v_count = ROW_COUNT;
    v_counts := v_counts || jsonb_build_object('unfolded_changes', v_count);
    DELETE FROM attribution.summary_states WHERE tenant_id = p_tenant;
    GET DIAGNOSTICS v_count = ROW_COUNT;
    v_counts := v_counts || jsonb_build_object('summary_states', v_count);
    DELETE FROM attribution.channel_days WHERE tenant_id = p_tenant;
    GET DIAGNOSTICS v_count = ROW_COUNT;
    v_counts := v_counts || jsonb_build_object('channel_days', v_count);
    DELETE FROM attribution.ledger_days WHERE tenant_id = p_tenant;
    GET DIAGNOSTICS v_count = ROW_COUNT;
    v_counts := v_counts || jsonb_build_object('ledger_days', v_count);
    DELETE FROM attribution.partner_totals WHERE tenant_id = p_tenant;
    GET DIAGNOSTICS v_count = ROW_COUNT;
    v_counts := v_counts || jsonb_build_object('partner_totals', v_count);
    DELETE FROM attribution.conversion_paths WHERE tenant_id = p_tenant;
    GET DIAGNOSTICS v_count = ROW_COUNT;
    v_counts := v_counts || jsonb_build_object('conversion_paths', v_count);
    DELETE FROM attribution.revenue_verifications WHERE tenant_id = p_tenant;
    GET DIAGNOSTICS v_count = ROW_COUNT;
    v_counts := v_counts || jsonb_build_object('revenue_verifications', v_count);
    DELETE FROM attribution.reported_revenue WHERE tenant_id = p_tenant;
    GET DIAGNOSTICS v_count = ROW_COUNT;
    v_counts := v_counts || jsonb_build_object('reported_revenue', v_count);
    DELETE FROM attribution.reconciliation_runs WHERE tenant_id = p_tenant;
    GET DIAGNOSTICS v_count = ROW_COUNT;
    v_counts := v_counts || jsonb_build_object('reconciliation_runs', v_count);
    DELETE FROM attribution.ledger_seals WHERE tenant_id = p_tenant;
    GET DIAGNOSTICS v_count = ROW_COUNT;
    v_counts := v_counts || jsonb_build_object('ledger_seals', v_count);
    DELETE FROM attribution.revenue_state_transitions WHERE tenant_id = p_tenant;
    GET DIAGNOSTICS v_count = ROW_COUNT;
    v_counts := v_counts || jsonb_build_object('revenue_state_transitions', v_count);
    DELETE FROM attribution.revenue_ledger WHERE tenant_id = p_tenant;
    GET DIAGNOSTICS v_count = ROW_COUNT;
    v_counts := v_counts || jsonb_build_object('revenue_ledger', v_count);
    DELETE FROM attribution.ledger_batches WHERE tenant_id = p_tenant;
    GET DIAGNOSTICS v_count = ROW_COUNT;
    v_counts := v_counts || jsonb_build_object('ledger_batches', v_count);
    DELETE FROM attribution.attribution_allocations WHERE tenant_id = p_tenant;
    GET DIAGNOSTICS v_count = ROW_COUNT;
    v_counts := v_counts || jsonb_build_object('attribution_allocations', v_count);
    DELETE FROM attribution.allocation_overrides WHERE tenant_id = p_tenant;
    GET DIAGNOSTICS v_count = ROW_COUNT;
    v_counts := v_counts || jsonb_build_object('allocation_overrides', v_count);
    DELETE FROM attribution.attribution_rules WHERE tenant_id = p_tenant;
    GET DIAGNOSTICS v_count = ROW_COUNT;
    v_counts := v_counts || jsonb_build_object('attribution_rules', v_count);
    DELETE FROM attribution.work_queue WHERE tenant_id = p_tenant;
    GET DIAGNOSTICS v_count = ROW_COUNT;
    v_counts := v_counts || jsonb_build_object('work_queue', v_count);
    DELETE FROM attribution.import_sources WHERE tenant_id = p_tenant;
    GET DIAGNOSTICS v_count = ROW_COUNT;
    v_counts := v_counts || jsonb_build_object('import_sources', v_count);
    DELETE FROM attribution.dead_events WHERE tenant_id = p_tenant;
    GET DIAGNOSTICS v_count = ROW_COUNT;
    v_counts := v_counts || jsonb_build_object('dead_events', v_count);
    DELETE FROM attribution.event_processing WHERE tenant_id = p_tenant;
    GET DIAGNOSTICS v_count = ROW_COUNT;
    v_counts := v_counts || jsonb_build_object('event_processing', v_count);
    DELETE FROM attribution.attribution_events WHERE tenant_id = p_tenant;
    GET DIAGNOSTICS v_count = ROW_COUNT;
    v_counts := v_counts || jsonb_build_object('attribution_events', v_count);
    DELETE FROM attribution.event_keys WHERE tenant_id = p_tenant;
    GET DIAGNOSTICS v_count = ROW_COUNT;
    v_counts := v_counts || jsonb_build_object('event_keys', v_count);
    DELETE FROM attribution.channel_aliases WHERE tenant_id = p_tenant;
    GET DIAGNOSTICS v_count = ROW_COUNT;
    v_counts := v_counts || jsonb_build_object('channel_aliases', v_count);
    DELETE FROM attribution.tenant_logins WHERE tenant_id = p_tenant;
    GET DIAGNOSTICS v_count = ROW_COUNT;
    v_counts := v_counts || jsonb_build_object('tenant_logins', v_count);
    DELETE FROM attribution.tenants WHERE id = p_tenant;
    GET DIAGNOSTICS v_count = ROW_COUNT;
    RETURN v_counts || jsonb_build_object('tenants', v_count);
END
$$;

ALTER FUNCTION attribution.erase_tenant(uuid, text) OWNER TO attribution_engine;

COMMENT ON FUNCTION attribution.erase_tenant(uuid, text) IS
'Removes a tenant and all its rows for ever; returns the rows removed by table. Errors: RA004 unknown tenant or wrong name, RA009 login bound to another.';

REVOKE ALL ON FUNCTION attribution.erase_tenant(uuid, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.erase_tenant(uuid, text) TO attribution_admin;
