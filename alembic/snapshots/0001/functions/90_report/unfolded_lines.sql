-- unfolded_lines(p_tenant, p_all): the ledger lines that the summaries do not have yet.
--
-- p_all    true: nothing is folded; all lines
-- Returns  lines
-- Reads    unfolded_changes, revenue_ledger (by batch)
-- Inlined, so: plain SQL, no SET, no SECURITY DEFINER.

CREATE OR REPLACE FUNCTION attribution.unfolded_lines(p_tenant uuid, p_all boolean)
RETURNS SETOF attribution.revenue_ledger
LANGUAGE sql
STABLE
AS $$
    SELECT l.*
    FROM attribution.unfolded_changes AS u
    CROSS JOIN LATERAL unnest(u.batch_ids) AS b (id)
    CROSS JOIN LATERAL (
        SELECT x.*
        FROM attribution.revenue_ledger AS x
        WHERE x.tenant_id = p_tenant AND x.batch_id = b.id
        OFFSET 0
    ) AS l
    WHERE u.tenant_id = p_tenant AND NOT p_all
    UNION ALL
    SELECT l.*
    FROM attribution.revenue_ledger AS l
    WHERE l.tenant_id = p_tenant AND p_all
$$;

ALTER FUNCTION attribution.unfolded_lines(uuid, boolean) OWNER TO attribution_owner;

COMMENT ON FUNCTION attribution.unfolded_lines(uuid, boolean) IS
'Ledger lines that were posted since changes were last folded; with p_all, all of them.';

REVOKE ALL ON FUNCTION attribution.unfolded_lines(uuid, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.unfolded_lines(uuid, boolean)
TO attribution_engine, attribution_app, attribution_reader, attribution_admin;
