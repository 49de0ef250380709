-- rebuild_summaries(p_tenant): make the summaries of a tenant anew from the facts.
--
-- Errors   RA004 unknown tenant; RA009 the login is bound to another; 25001 outside READ COMMITTED; 55P03 another folder is at
--          work for longer than 10 seconds
-- Writes   see fold_tenant()
-- SECURITY DEFINER: nobody but the engine writes summaries. No writer waits for it.

CREATE OR REPLACE FUNCTION attribution.rebuild_summaries(p_tenant uuid)
RETURNS void
LANGUAGE plpgsql
VOLATILE
SECURITY DEFINER
SET search_path = attribution, pg_temp
SET lock_timeout = '10s'
AS $$
BEGIN
    PERFORM attribution.require_read_committed();
    PERFORM attribution.assert_tenant(p_tenant);
    PERFORM FROM attribution.tenants AS t WHERE t.id = p_tenant FOR NO KEY UPDATE;
    DELETE FROM attribution.summary_states AS s WHERE s.tenant_id = p_tenant;
    DELETE FROM attribution.conversion_paths AS p WHERE p.tenant_id = p_tenant;
    PERFORM attribution.fold_tenant(p_tenant);
END
$$;

ALTER FUNCTION attribution.rebuild_summaries(uuid) OWNER TO attribution_engine;

COMMENT ON FUNCTION attribution.rebuild_summaries(uuid) IS
'Makes the summaries of a tenant anew from the facts. Errors: RA004 unknown tenant, RA009 login bound to another, 25001, 55P03.';

REVOKE ALL ON FUNCTION attribution.rebuild_summaries(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.rebuild_summaries(uuid) TO attribution_admin;
