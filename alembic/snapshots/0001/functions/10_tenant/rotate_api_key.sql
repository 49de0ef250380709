-- rotate_api_key(p_tenant): replace the tenant's API key; the old one stops working at commit.
--
-- Returns  the new key, shown this once
-- Errors   RA004 unknown tenant; RA009 the login is bound to another tenant
-- Writes   tenants
-- SECURITY DEFINER: nobody but the engine may write a key's hash.

CREATE OR REPLACE FUNCTION attribution.rotate_api_key(p_tenant uuid)
RETURNS text
LANGUAGE plpgsql
VOLATILE
SECURITY DEFINER
SET search_path = attribution, pg_temp
AS $$
DECLARE
    v_key text := attribution.new_api_key();
BEGIN
    PERFORM attribution.assert_tenant(p_tenant);
    UPDATE attribution.tenants AS t
    SET api_key_hash = sha256(convert_to(v_key, 'UTF8'))
    WHERE t.id = p_tenant;
    RETURN v_key;
END
$$;

ALTER FUNCTION attribution.rotate_api_key(uuid) OWNER TO attribution_engine;

COMMENT ON FUNCTION attribution.rotate_api_key(uuid) IS
'Replaces the tenant''s API key and returns the new one (shown this once). Errors: RA004 unknown tenant, RA009 login bound to another.';

REVOKE ALL ON FUNCTION attribution.rotate_api_key(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.rotate_api_key(uuid) TO attribution_admin;
