-- list_tenants(): every tenant that the login may work for.
--
-- Returns  the tenants' public columns, oldest first; a bound login sees its own
-- Reads    tenants
-- SECURITY DEFINER: admins choose a tenant before there is one in context.

CREATE OR REPLACE FUNCTION attribution.list_tenants()
RETURNS TABLE (
    id uuid,
    name text,
    notification_email text,
    reporting_currency text,
    time_zone text,
    settings jsonb,
    created_at timestamptz,
    updated_at timestamptz
)
LANGUAGE sql
STABLE
SECURITY DEFINER
SET search_path = attribution, pg_temp
AS $$
    SELECT t.id, t.name, t.notification_email, t.reporting_currency, t.time_zone, t.settings, t.created_at, t.updated_at
    FROM attribution.tenants AS t
    WHERE attribution.login_permits(t.id)
    ORDER BY t.created_at, t.id
$$;

ALTER FUNCTION attribution.list_tenants() OWNER TO attribution_engine;

COMMENT ON FUNCTION attribution.list_tenants() IS 'Every tenant that the login may work for, oldest first.';

REVOKE ALL ON FUNCTION attribution.list_tenants() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.list_tenants() TO attribution_admin;
