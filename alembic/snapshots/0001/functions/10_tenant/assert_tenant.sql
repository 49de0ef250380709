-- assert_tenant(p_tenant): the check that every SECURITY DEFINER function makes of its p_tenant.
--
-- Errors   RA009 the login is bound to another tenant; RA004 unknown tenant. In this order, so that a bound login
--          learns nothing about others.
-- Reads    tenants, tenant_logins
-- SECURITY DEFINER: must see whether the tenant exists before a context is set.

CREATE OR REPLACE FUNCTION attribution.assert_tenant(p_tenant uuid)
RETURNS void
LANGUAGE plpgsql
STABLE
SECURITY DEFINER
SET search_path = attribution, pg_temp
AS $$
BEGIN
    IF NOT attribution.login_permits(p_tenant) THEN
        RAISE EXCEPTION USING
            ERRCODE = 'RA009',
            MESSAGE = 'this login may not work for that tenant',
            DETAIL = format('Login %s is bound to another tenant.', session_user),
            HINT = 'Use the tenant that the login is bound to, or a login of the other tenant (ctl tenant bind-login).';
    END IF;
    IF NOT EXISTS (SELECT FROM attribution.tenants AS t WHERE t.id = p_tenant) THEN
        RAISE EXCEPTION USING
            ERRCODE = 'RA004',
            MESSAGE = 'unknown tenant',
            DETAIL = format('No tenant has the id %s.', coalesce(p_tenant::text, 'null')),
            HINT = 'List the tenants: ctl tenant list, or SELECT * FROM attribution.list_tenants().';
    END IF;
END
$$;

ALTER FUNCTION attribution.assert_tenant(uuid) OWNER TO attribution_engine;

COMMENT ON FUNCTION attribution.assert_tenant(uuid) IS
'Raises RA009 when the login is bound to another tenant, RA004 when the tenant does not exist.';

REVOKE ALL ON FUNCTION attribution.assert_tenant(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.assert_tenant(uuid) TO attribution_owner, attribution_app, attribution_reader, attribution_admin;
