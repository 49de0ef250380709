-- lock_reconciliation(p_tenant, p_run_id, p_state): a run, locked until the transaction ends.
--
-- p_state  the state that it must be in
-- Returns  the run
-- Errors   RA004 unknown run; 55000 it is in another state
-- Reads    reconciliation_runs, with a row lock: open_reconciliation() takes a run that nobody locks for abandoned

CREATE OR REPLACE FUNCTION attribution.lock_reconciliation(p_tenant uuid, p_run_id uuid, p_state text)
RETURNS attribution.reconciliation_runs
LANGUAGE plpgsql
VOLATILE
AS $$
DECLARE
    v_run attribution.reconciliation_runs;
BEGIN
    SELECT r.* INTO v_run
    FROM attribution.reconciliation_runs AS r
    WHERE r.tenant_id = p_tenant AND r.id = p_run_id
    FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING
            ERRCODE = 'RA004',
            MESSAGE = 'unknown reconciliation run',
            DETAIL = format('The tenant has no run %s.', coalesce(p_run_id::text, 'null')),
            HINT = 'Open one: SELECT attribution.open_reconciliation(…), or ctl reconcile.';
    END IF;
    IF v_run.state <> p_state THEN
        RAISE EXCEPTION USING
            ERRCODE = 'object_not_in_prerequisite_state',
            MESSAGE = format('the reconciliation run is %s, not %s', v_run.state, p_state),
            DETAIL = format('Run %s of %s.%s', v_run.id, v_run.source, coalesce(' ' || v_run.last_error, '')),
            HINT = 'Was the same source reconciled by somebody else meanwhile? Open a new run.';
    END IF;
    RETURN v_run;
END
$$;

ALTER FUNCTION attribution.lock_reconciliation(uuid, uuid, text) OWNER TO attribution_owner;

COMMENT ON FUNCTION attribution.lock_reconciliation(uuid, uuid, text) IS
'A reconciliation run in the state that it must be in, locked until the transaction ends. Errors: RA004 unknown run, 55000 another state.';

REVOKE ALL ON FUNCTION attribution.lock_reconciliation(uuid, uuid, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.lock_reconciliation(uuid, uuid, text) TO attribution_engine;
