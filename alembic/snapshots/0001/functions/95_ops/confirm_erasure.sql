-- confirm_erasure(): trigger that refuses to commit the record of an erasure while the tenant still exists.
--
-- Trigger  AFTER INSERT ON tenant_erasures, deferred to the commit
-- Errors   RA001: without it, a record alone would open the guards
-- Reads    tenants
-- SECURITY DEFINER: runs at commit, as the login, which may not see the tenant.

CREATE OR REPLACE FUNCTION attribution.confirm_erasure()
RETURNS trigger
LANGUAGE plpgsql
VOLATILE
SECURITY DEFINER
SET search_path = attribution, pg_temp
AS $$
BEGIN
    IF EXISTS (SELECT FROM attribution.tenants AS t WHERE t.id = NEW.erased_tenant_id) THEN
        RAISE EXCEPTION USING
            ERRCODE = 'RA001',
            MESSAGE = 'the erasure is recorded but the tenant still exists',
            DETAIL = format('Tenant %s.', NEW.erased_tenant_id),
            HINT = 'Call attribution.erase_tenant(), which removes the tenant with all its rows.';
    END IF;
    RETURN NULL;
END
$$;

ALTER FUNCTION attribution.confirm_erasure() OWNER TO attribution_engine;

COMMENT ON FUNCTION attribution.confirm_erasure() IS
'Trigger: refuses to commit the record of an erasure while the tenant exists (RA001).';

REVOKE ALL ON FUNCTION attribution.confirm_erasure() FROM PUBLIC;
