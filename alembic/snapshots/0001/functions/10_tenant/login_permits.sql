-- login_permits(p_tenant): may this login work for that tenant?
--
-- Returns  true unless the session's login, or the role it SET, is bound in tenant_logins to another tenant.
--          A bound login without a context is permitted nothing.
-- Reads    tenant_logins
-- SECURITY DEFINER: tenant_logins is closed to the callers that this restricts. PL/pgSQL, not SQL: its plan is kept for
-- the session.

CREATE OR REPLACE FUNCTION attribution.login_permits(p_tenant uuid)
RETURNS boolean
LANGUAGE plpgsql
STABLE
PARALLEL SAFE
SECURITY DEFINER
SET search_path = attribution, pg_temp
AS $$
BEGIN
    RETURN NOT EXISTS (
        SELECT
        FROM attribution.tenant_logins AS l
        WHERE l.role_name IN (session_user, current_setting('role')::name)
            AND l.tenant_id IS DISTINCT FROM p_tenant
    );
END
$$;

ALTER FUNCTION attribution.login_permits(uuid) OWNER TO attribution_engine;

COMMENT ON FUNCTION attribution.login_permits(uuid) IS
'True unless the current login or role is bound to another tenant (tenant_logins).';

REVOKE ALL ON FUNCTION attribution.login_permits(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.login_permits(uuid)
TO attribution_owner, attribution_app, attribution_reader, attribution_admin;
