-- require_tenant(): statement trigger that refuses to write without a tenant in context.
--
-- Trigger  BEFORE INSERT ON attribution_events FOR EACH STATEMENT
-- Errors   RA002 no tenant in context; RA009 the login is bound to another tenant; RA004 the context names no tenant

CREATE OR REPLACE FUNCTION attribution.require_tenant()
RETURNS trigger
LANGUAGE plpgsql
STABLE
SET search_path = attribution, pg_temp
AS $$
BEGIN
    PERFORM attribution.assert_context();
    RETURN NULL;
END
$$;

ALTER FUNCTION attribution.require_tenant() OWNER TO attribution_owner;

COMMENT ON FUNCTION attribution.require_tenant() IS
'Statement trigger: refuses to write without a tenant in context (RA002), for one that the login may not work for (RA009) or that does not exist (RA004).';

REVOKE ALL ON FUNCTION attribution.require_tenant() FROM PUBLIC;
