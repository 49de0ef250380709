-- unfolded_allocations(p_tenant, p_all): the allocations that the summaries do not have yet, or have no longer to have.
--
-- p_all    true: nothing is folded; all current allocations
-- Returns  sign 1 for what came, -1 for what was superseded, and the allocation
-- Reads    unfolded_changes, attribution_allocations (by primary key)
-- Inlined, so: plain SQL, no SET, no SECURITY DEFINER.

CREATE OR REPLACE FUNCTION attribution.unfolded_allocations(p_tenant uuid, p_all boolean)
RETURNS TABLE (
    sign int,
    event_id uuid,
    rule_id uuid,
    is_book boolean,
    channel_code text,
    campaign_id text,
    partner_id text,
    allocation_ratio numeric,
    allocated_revenue_cents bigint,
    currency text,
    occurred_at timestamptz
)
LANGUAGE sql
STABLE
AS $$
    SELECT
        c.sign, a.event_id, a.rule_id, a.is_book, a.channel_code, a.campaign_id, a.partner_id, a.allocation_ratio,
        a.allocated_revenue_cents, a.currency, a.occurred_at
    FROM (
        SELECT 1 AS sign, i.id
        FROM attribution.unfolded_changes AS u
        CROSS JOIN LATERAL unnest(u.allocation_ids) AS i (id)
        WHERE u.tenant_id = p_tenant AND NOT p_all
        UNION ALL
        SELECT -1, i.id
        FROM attribution.unfolded_changes AS u
        CROSS JOIN LATERAL unnest(u.superseded_ids) AS i (id)
        WHERE u.tenant_id = p_tenant AND NOT p_all
    ) AS c
    CROSS JOIN LATERAL (
        SELECT x.*
        FROM attribution.attribution_allocations AS x
        WHERE x.tenant_id = p_tenant AND x.id = c.id
        OFFSET 0
    ) AS a
    UNION ALL
    SELECT
        1, a.event_id, a.rule_id, a.is_book, a.channel_code, a.campaign_id, a.partner_id, a.allocation_ratio,
        a.allocated_revenue_cents, a.currency, a.occurred_at
    FROM attribution.attribution_allocations AS a
    WHERE a.tenant_id = p_tenant AND a.superseded_at IS NULL AND p_all
$$;

ALTER FUNCTION attribution.unfolded_allocations(uuid, boolean) OWNER TO attribution_owner;

COMMENT ON FUNCTION attribution.unfolded_allocations(uuid, boolean) IS
'Allocations that came (sign 1) or were superseded (sign -1) since changes were last folded; with p_all, all current ones.';

REVOKE ALL ON FUNCTION attribution.unfolded_allocations(uuid, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.unfolded_allocations(uuid, boolean)
TO attribution_engine, attribution_app, attribution_reader, attribution_admin;
