-- start_reconciliation(p_tenant, p_run_id): an opened run is now running.
--
-- Errors   RA004 unknown tenant or run; RA009 the login is bound to another tenant; 55000 the run is not idle
-- Writes   reconciliation_runs; commit after it, so that others see it
-- SECURITY DEFINER: nobody but the engine writes runs.

CREATE OR REPLACE FUNCTION attribution.start_reconciliation(p_tenant uuid, p_run_id uuid)
RETURNS void
LANGUAGE plpgsql
VOLATILE
SECURITY DEFINER
SET search_path = attribution, pg_temp
SET lock_timeout = '10s'
AS $$
BEGIN
    PERFORM attribution.assert_tenant(p_tenant);
    PERFORM attribution.lock_reconciliation(p_tenant, p_run_id, 'idle');
    UPDATE attribution.reconciliation_runs AS r SET state = 'running' WHERE r.tenant_id = p_tenant AND r.id = p_run_id;
END
$$;

ALTER FUNCTION attribution.start_reconciliation(uuid, uuid) OWNER TO attribution_engine;

COMMENT ON FUNCTION attribution.start_reconciliation(uuid, uuid) IS
'Marks an opened reconciliation run as running. Errors: RA004 unknown tenant or run, RA009, 55000 the run is not idle.';

REVOKE ALL ON FUNCTION attribution.start_reconciliation(uuid, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.start_reconciliation(uuid, uuid) TO attribution_admin;
