-- seal_ledger(p_tenant, p_wait): add what was posted to the hash chain.
--
-- p_tenant null: every tenant that the login may work for
-- p_wait   false: leave out tenants that another sealer is at work on
-- Returns  batches sealed; 0 and no write when all are
-- Errors   RA004, RA009; 25001 outside READ COMMITTED; 55P03 another sealer is at work for longer than 10 seconds
-- Writes   ledger_seals
-- SECURITY DEFINER: nobody but the engine writes seals. No posting waits for it, and it waits for none.

CREATE OR REPLACE FUNCTION attribution.seal_ledger(p_tenant uuid DEFAULT NULL, p_wait boolean DEFAULT true)
RETURNS bigint
LANGUAGE plpgsql
VOLATILE
SECURITY DEFINER
SET search_path = attribution, pg_temp
SET lock_timeout = '10s'
AS $$
DECLARE
    v_slice constant int := 1000;
    v_tenant uuid;
    v_sealed bigint;
    v_total bigint := 0::bigint;
BEGIN
    PERFORM attribution.require_read_committed();
    IF p_tenant IS NOT NULL THEN
        PERFORM attribution.assert_tenant(p_tenant);
    END IF;
    FOR v_tenant IN
        SELECT t.id FROM attribution.tenants AS t
        WHERE (p_tenant IS NULL OR t.id = p_tenant) AND attribution.login_permits(t.id)
        ORDER BY t.id
    LOOP
        LOOP
            v_sealed := attribution.seal_batches(v_tenant, v_slice, p_wait);
            v_total := v_total + v_sealed;
            EXIT WHEN v_sealed < v_slice;
        END LOOP;
    END LOOP;
    RETURN v_total;
END
$$;

ALTER FUNCTION attribution.seal_ledger(uuid, boolean) OWNER TO attribution_engine;

COMMENT ON FUNCTION attribution.seal_ledger(uuid, boolean) IS
'Adds the posted batches of a tenant, or of all (null), to its hash chain; returns how many. Errors: RA004, RA009, 25001, 55P03.';

REVOKE ALL ON FUNCTION attribution.seal_ledger(uuid, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.seal_ledger(uuid, boolean) TO attribution_admin;
