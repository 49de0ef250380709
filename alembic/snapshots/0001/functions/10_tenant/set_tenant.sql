-- set_tenant(p_tenant): put a tenant in context until the end of the transaction.
--
-- p_tenant the tenant's id
-- Errors   RA009 the login is bound to another tenant; RA004 unknown tenant
-- SECURITY DEFINER: must see whether the tenant exists before a context is set. SET LOCAL, not set_config(): the
-- former is what a sharded server propagates. Neither outlives the transaction that a pooler hands out.

CREATE OR REPLACE FUNCTION attribution.set_tenant(p_tenant uuid)
RETURNS void
LANGUAGE plpgsql
VOLATILE
SECURITY DEFINER
SET search_path = attribution, pg_temp
AS $$
BEGIN
    PERFORM attribution.assert_tenant(p_tenant);
    EXECUTE format('SET LOCAL app.current_tenant_id = %L', p_tenant);
END
$$;

ALTER FUNCTION attribution.set_tenant(uuid) OWNER TO attribution_engine;

COMMENT ON FUNCTION attribution.set_tenant(uuid) IS
'Puts a tenant in context until the transaction ends. Errors: RA004 unknown tenant, RA009 login bound to another.';

REVOKE ALL ON FUNCTION attribution.set_tenant(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.set_tenant(uuid) TO attribution_app, attribution_reader, attribution_admin;
