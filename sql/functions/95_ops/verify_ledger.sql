-- verify_ledger(p_tenant, p_against): recompute the ledger of a tenant, and name whatever was altered behind the guards.
--
-- p_against  chain_hash of a seal that was exported earlier, in hex: the chain must still hold it; null: no anchor
-- Returns    one row per breach: check_name, object (the line, allocation, batch, seal or transaction), detail; none when
--            all holds
-- Errors     RA004 unknown tenant; RA009 the login is bound to another
-- Reads      the ledger and everything it was made from
-- SECURITY DEFINER: an auditor verifies without a context.

CREATE OR REPLACE FUNCTION attribution.verify_ledger(p_tenant uuid, p_against text DEFAULT NULL)
RETURNS TABLE (check_name text, object text, detail text)
LANGUAGE plpgsql
STABLE
SECURITY DEFINER
SET search_path = attribution, pg_temp
SET jit = off
AS $$
BEGIN
    PERFORM attribution.assert_tenant(p_tenant);
    RETURN QUERY
    SELECT b.check_name, b.object, b.detail
    FROM attribution.ledger_breaches(p_tenant) AS b
    UNION ALL
    SELECT 'chain_rewritten', 'seal ' || p_against, 'no seal of the tenant has the hash that was exported'
    WHERE p_against IS NOT NULL AND NOT EXISTS (
        SELECT
        FROM attribution.ledger_seals AS s
        WHERE s.tenant_id = p_tenant AND encode(s.chain_hash, 'hex') = lower(p_against)
    )
    ORDER BY 1, 2;
END
$$;

ALTER FUNCTION attribution.verify_ledger(uuid, text) OWNER TO attribution_engine;

COMMENT ON FUNCTION attribution.verify_ledger(uuid, text) IS
'Recomputes sums, dollars, states, hashes and the chain of a tenant''s ledger: one row per breach, none when all holds. Errors: RA004 unknown tenant, RA009 login bound to another.';

REVOKE ALL ON FUNCTION attribution.verify_ledger(uuid, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.verify_ledger(uuid, text) TO attribution_admin;
