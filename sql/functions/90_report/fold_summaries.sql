-- fold_summaries(p_tenant): take what has changed into the summaries, so that views need not compute it at each read.
--
-- p_tenant null: every tenant that the login may work for
-- Returns  tenants folded; 0 and no write where nothing has changed
-- Errors   RA004 unknown tenant; RA009 the login is bound to another; 25001 outside READ COMMITTED
-- Writes   see fold_tenant()
-- SECURITY DEFINER: nobody but the engine writes summaries. It waits for nobody, and no writer for it: a tenant that another
-- folder or sealer has is left out. Views are right without it, and slower.

CREATE OR REPLACE FUNCTION attribution.fold_summaries(p_tenant uuid DEFAULT NULL)
RETURNS bigint
LANGUAGE plpgsql
VOLATILE
SECURITY DEFINER
SET search_path = attribution, pg_temp
AS $$
DECLARE
    v_tenant uuid;
    v_folded bigint := 0::bigint;
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
        IF attribution.fold_tenant(v_tenant) THEN
            v_folded := v_folded + 1;
        END IF;
    END LOOP;
    RETURN v_folded;
END
$$;

ALTER FUNCTION attribution.fold_summaries(uuid) OWNER TO attribution_engine;

COMMENT ON FUNCTION attribution.fold_summaries(uuid) IS
'Takes what has changed into the summaries of a tenant, or of all (null); returns how many tenants. Reads are right without it, and slower. Errors: RA004, RA009, 25001.';

REVOKE ALL ON FUNCTION attribution.fold_summaries(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.fold_summaries(uuid) TO attribution_admin;
