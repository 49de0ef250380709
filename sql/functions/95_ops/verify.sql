-- verify(p_tenant, p_against): every invariant, on live data.
--
-- p_tenant   null: every tenant that the login may work for
-- p_against  chain_hash of a seal that was exported earlier, in hex; one of the tenants' chains must hold it
-- Returns  one row per breach: check_name, tenant_id (null for the catalogue's), object, detail; none when all holds
-- Errors   RA004 unknown tenant; RA009 the login is bound to another tenant
-- Reads    everything
-- SECURITY DEFINER: an operator verifies across tenants.

CREATE OR REPLACE FUNCTION attribution.verify(p_tenant uuid DEFAULT NULL, p_against text DEFAULT NULL)
RETURNS TABLE (check_name text, tenant_id uuid, object text, detail text)
LANGUAGE plpgsql
STABLE
SECURITY DEFINER
SET search_path = attribution, pg_temp
SET jit = off
AS $$
BEGIN
    IF p_tenant IS NOT NULL THEN
        PERFORM attribution.assert_tenant(p_tenant);
    END IF;
    RETURN QUERY
    SELECT c.check_name, NULL::uuid, c.object, c.detail
    FROM attribution.verify_catalog() AS c;

    RETURN QUERY
    SELECT d.check_name, t.id, d.object, d.detail
    FROM attribution.tenants AS t
    CROSS JOIN LATERAL attribution.verify_tenant(t.id) AS d
    WHERE (p_tenant IS NULL OR t.id = p_tenant) AND attribution.login_permits(t.id)
    ORDER BY t.id, d.check_name, d.object;

    RETURN QUERY
    SELECT 'chain_rewritten', p_tenant, 'seal ' || p_against, 'no chain has the hash that was exported'
    WHERE p_against IS NOT NULL AND NOT EXISTS (
        SELECT
        FROM attribution.ledger_seals AS s
        WHERE (p_tenant IS NULL OR s.tenant_id = p_tenant) AND attribution.login_permits(s.tenant_id)
            AND encode(s.chain_hash, 'hex') = lower(p_against)
    );
END
$$;

ALTER FUNCTION attribution.verify(uuid, text) OWNER TO attribution_engine;

COMMENT ON FUNCTION attribution.verify(uuid, text) IS
'Every invariant on live data, of one tenant or of all (null): one row per breach, none when all holds. With p_against, a chain must hold that exported hash. Errors: RA004 unknown tenant, RA009 login bound to another.';

REVOKE ALL ON FUNCTION attribution.verify(uuid, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.verify(uuid, text) TO attribution_admin;
