-- fail_reconciliation(p_tenant, p_run_id, p_error): a run could not be done.
--
-- p_error  why, for people; its first 2,000 characters are kept
-- Errors   RA004 unknown tenant or run; RA009 the login is bound to another tenant; 55000 the run is not running
-- Writes   reconciliation_runs: state error
-- SECURITY DEFINER: nobody but the engine writes runs.

CREATE OR REPLACE FUNCTION attribution.fail_reconciliation(p_tenant uuid, p_run_id uuid, p_error text)
RETURNS void
LANGUAGE plpgsql
VOLATILE
SECURITY DEFINER
SET search_path = attribution, pg_temp
SET lock_timeout = '10s'
AS $$
DECLARE
    v_now timestamptz := clock_timestamp();
BEGIN
    PERFORM attribution.assert_tenant(p_tenant);
    PERFORM attribution.lock_reconciliation(p_tenant, p_run_id, 'running');
    UPDATE attribution.reconciliation_runs AS r
    SET state = 'error', finished_at = v_now, last_error = coalesce(nullif(left(p_error, 2000), ''), 'no reason was given')
    WHERE r.tenant_id = p_tenant AND r.id = p_run_id;
END
$$;

ALTER FUNCTION attribution.fail_reconciliation(uuid, uuid, text) OWNER TO attribution_engine;

COMMENT ON FUNCTION attribution.fail_reconciliation(uuid, uuid, text) IS
'Marks a running reconciliation as one that could not be done, and why. Errors: RA004 unknown tenant or run, RA009, 55000 the run is not running.';

REVOKE ALL ON FUNCTION attribution.fail_reconciliation(uuid, uuid, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.fail_reconciliation(uuid, uuid, text) TO attribution_admin;
