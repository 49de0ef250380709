-- assert_context(): there is a tenant in context, and this login may work for it.
--
-- Returns  the tenant in context
-- Errors   RA002 no tenant in context; RA009 the login is bound to another tenant; RA004 the context names no tenant

CREATE OR REPLACE FUNCTION attribution.assert_context()
RETURNS uuid
LANGUAGE plpgsql
STABLE
AS $$
DECLARE
    v_tenant uuid := attribution.current_tenant();
BEGIN
    IF v_tenant IS NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'RA002',
            MESSAGE = 'no tenant in context',
            DETAIL = 'Events belong to a tenant, and neither set_tenant() nor authenticate() was called in this transaction.',
            HINT = 'In the same transaction, first: SELECT attribution.set_tenant(''…''); or SET LOCAL app.current_tenant_id = ''…''.';
    END IF;
    PERFORM attribution.assert_tenant(v_tenant);
    RETURN v_tenant;
END
$$;

ALTER FUNCTION attribution.assert_context() OWNER TO attribution_owner;

COMMENT ON FUNCTION attribution.assert_context() IS
'The tenant in context, for which this login may work. Errors: RA002 no context, RA009 login bound to another, RA004 unknown tenant.';

REVOKE ALL ON FUNCTION attribution.assert_context() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.assert_context()
TO attribution_engine, attribution_app, attribution_reader, attribution_admin;
