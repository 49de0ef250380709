-- require_tenant(): statement trigger that refuses to write without a tenant in context.
--
-- Trigger  BEFORE INSERT ON attribution_events FOR EACH STATEMENT
-- Errors   RA002 no tenant in context; RA009 the login is bound to another tenant

CREATE OR REPLACE FUNCTION attribution.require_tenant()
RETURNS trigger
LANGUAGE plpgsql
STABLE
SET search_path = attribution, pg_temp
AS $$
BEGIN
    IF attribution.current_tenant() IS NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'RA002',
            MESSAGE = 'no tenant in context',
            DETAIL = 'Events belong to a tenant, and neither set_tenant() nor authenticate() was called in this transaction.',
            HINT = 'In the same transaction, first: SELECT attribution.set_tenant(''…''); or SET LOCAL app.current_tenant_id = ''…''.';
    END IF;
    IF NOT attribution.login_permits(attribution.current_tenant()) THEN
        RAISE EXCEPTION USING
            ERRCODE = 'RA009',
            MESSAGE = 'this login may not work for that tenant',
            DETAIL = format('Login %s is bound to another tenant.', session_user),
            HINT = 'Use the tenant that the login is bound to, or a login of the other tenant (ctl tenant bind-login).';
    END IF;
    RETURN NULL;
END
$$;

ALTER FUNCTION attribution.require_tenant() OWNER TO attribution_owner;

COMMENT ON FUNCTION attribution.require_tenant() IS
'Statement trigger: refuses to write without a tenant in context (RA002) or for a tenant that the login may not work for (RA009).';

REVOKE ALL ON FUNCTION attribution.require_tenant() FROM PUBLIC;
