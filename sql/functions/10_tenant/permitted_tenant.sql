-- permitted_tenant(): the tenant in context, if this login may work for it.
--
-- Returns  uuid, or null where there is no context or the login is bound to another tenant
-- Reads    tenant_logins
-- Inlined into the policies bound_login, so: plain SQL, no SET, no SECURITY DEFINER.

CREATE OR REPLACE FUNCTION attribution.permitted_tenant()
RETURNS uuid
LANGUAGE sql
STABLE
PARALLEL SAFE
RETURN CASE WHEN attribution.login_permits(attribution.current_tenant()) THEN attribution.current_tenant() END;

ALTER FUNCTION attribution.permitted_tenant() OWNER TO attribution_owner;

COMMENT ON FUNCTION attribution.permitted_tenant() IS
'The tenant in context, or null where there is none or the login is bound to another.';

REVOKE ALL ON FUNCTION attribution.permitted_tenant() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.permitted_tenant()
TO attribution_engine, attribution_app, attribution_reader, attribution_admin;
