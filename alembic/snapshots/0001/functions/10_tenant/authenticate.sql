-- authenticate(p_api_key): put the tenant of an API key in context until the end of the transaction.
--
-- p_api_key the key as create_tenant() or rotate_api_key() returned it
-- Returns   the tenant's id
-- Errors    RA004 unknown key; RA009 the login is bound to another tenant
-- Reads     tenants
-- SECURITY DEFINER: looks a key up across tenants, and tells its owner only.

CREATE OR REPLACE FUNCTION attribution.authenticate(p_api_key text)
RETURNS uuid
LANGUAGE plpgsql
VOLATILE
SECURITY DEFINER
SET search_path = attribution, pg_temp
AS $$
DECLARE
    v_tenant uuid;
BEGIN
    SELECT t.id INTO v_tenant
    FROM attribution.tenants AS t
    WHERE t.api_key_hash = sha256(convert_to(p_api_key, 'UTF8'));

    IF v_tenant IS NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'RA004',
            MESSAGE = 'unknown API key',
            DETAIL = 'No tenant has this key.',
            HINT = 'Check the key, or make a new one: ctl tenant rotate-key.';
    END IF;
    PERFORM attribution.set_tenant(v_tenant);
    RETURN v_tenant;
END
$$;

ALTER FUNCTION attribution.authenticate(text) OWNER TO attribution_engine;

COMMENT ON FUNCTION attribution.authenticate(text) IS
'Puts the tenant of an API key in context until the transaction ends, and returns its id. Errors: RA004 unknown key, RA009 login bound to another tenant.';

REVOKE ALL ON FUNCTION attribution.authenticate(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.authenticate(text) TO attribution_app, attribution_reader, attribution_admin;
