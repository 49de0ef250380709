-- verify_tenant(p_tenant): every invariant on one tenant's rows.
--
-- Returns  one row per breach: check_name, object, detail
-- Reads    every tenant table
--
-- Conversions that wait in the queue, or for a retry, are not breaches: they are work (pipeline_health). Dead ones are.

CREATE OR REPLACE FUNCTION attribution.verify_tenant(p_tenant uuid)
RETURNS TABLE (check_name text, object text, detail text)
LANGUAGE sql
STABLE
AS $$
    -- Allocations of each conversion and rule sum to the conversion's value.
    SELECT
        'allocation_drift', 'conversion ' || e.id,
        format('rule %s allocates %s of %s', a.rule_id, sum(a.allocated_revenue_cents), e.conversion_value_cents)
    FROM attribution.attribution_events AS e
    JOIN attribution.attribution_allocations AS a ON a.tenant_id = p_tenant AND a.event_id = e.id AND a.superseded_at IS NULL
    JOIN attribution.attribution_rules AS r ON r.tenant_id = p_tenant AND r.id = a.rule_id
    WHERE e.tenant_id = p_tenant AND e.event_kind = 'conversion' AND r.constraint_mode <> 'allow_double_counting'
    GROUP BY e.id, a.rule_id, e.conversion_value_cents
    HAVING sum(a.allocated_revenue_cents) <> e.conversion_value_cents
    UNION ALL
    SELECT b.check_name, b.object, b.detail FROM attribution.ledger_breaches(p_tenant) AS b
    UNION ALL
    SELECT b.check_name, b.object, b.detail FROM attribution.summary_breaches(p_tenant) AS b
    UNION ALL
    -- Refunds that may not be booked: somebody has to look at them.
    SELECT
        coalesce(lower(substring(p.last_error FROM '^RA00[67]: ([A-Z_]+):')), 'refund_failed'), 'event ' || p.event_id, p.last_error
    FROM attribution.event_processing AS p
    JOIN attribution.attribution_events AS e ON e.tenant_id = p_tenant AND e.id = p.event_id AND e.event_kind IN ('refund', 'dispute')
    WHERE p.tenant_id = p_tenant AND p.processing_status = 'failed'
    UNION ALL
    -- What is stored is what the facts give, for each conversion that nothing in the queue may still change. Rules may have
    -- changed since without restating history, so only active rules that the conversion has allocations of are compared.
    SELECT DISTINCT 'allocation_altered', 'conversion ' || event_id, 'its allocations are not what its journey gives under rule ' || rule_id
    FROM (
        SELECT array_agg(p.event_id) AS event_ids
        FROM attribution.event_processing AS p
        WHERE p.tenant_id = p_tenant AND p.processing_status = 'processed'
            AND p.event_id NOT IN (
                SELECT f.id
                FROM unnest(attribution.conversions_affected_by(p_tenant, attribution.queued_events(p_tenant))) AS f (id)
            )
    ) AS settled
    CROSS JOIN LATERAL (
        SELECT event_id, rule_id
        FROM attribution.due_allocations(p_tenant, settled.event_ids) AS d
        FULL JOIN (
            SELECT a.*
            FROM unnest(settled.event_ids) AS k (event_id)
            JOIN attribution.attribution_allocations AS a
                ON a.tenant_id = p_tenant AND a.event_id = k.event_id AND a.superseded_at IS NULL
        ) AS c USING (event_id, rule_id, "position")
        WHERE (d.touch_id, d.channel_code, d.campaign_id, d.partner_id, d.allocation_ratio, d.allocated_revenue_cents)
            IS DISTINCT FROM (c.touch_id, c.channel_code, c.campaign_id, c.partner_id, c.allocation_ratio, c.allocated_revenue_cents)
    ) AS x
    WHERE EXISTS (
        SELECT
        FROM attribution.attribution_allocations AS a
        JOIN attribution.attribution_rules AS r ON r.tenant_id = p_tenant AND r.id = a.rule_id AND r.status = 'active'
        WHERE a.tenant_id = p_tenant AND a.event_id = x.event_id AND a.rule_id = x.rule_id AND a.superseded_at IS NULL
    )
    UNION ALL
    -- Rows without the row they name: foreign keys forbid them, and tampering makes them.
    SELECT 'orphan', 'allocation ' || a.id, 'its conversion, touch or rule is not there'
    FROM attribution.attribution_allocations AS a
    WHERE a.tenant_id = p_tenant AND (
        NOT EXISTS (SELECT FROM attribution.attribution_events AS e WHERE e.tenant_id = p_tenant AND e.id = a.event_id)
        OR (a.touch_id IS NOT NULL AND NOT EXISTS (
            SELECT FROM attribution.attribution_events AS e WHERE e.tenant_id = p_tenant AND e.id = a.touch_id
        ))
        OR NOT EXISTS (SELECT FROM attribution.attribution_rules AS r WHERE r.tenant_id = p_tenant AND r.id = a.rule_id)
    )
    UNION ALL
    SELECT 'orphan', 'event ' || e.id, 'a conversion, refund or dispute without its row in event_processing is never processed'
    FROM attribution.attribution_events AS e
    WHERE e.tenant_id = p_tenant AND e.event_kind IN ('conversion', 'refund', 'dispute')
        AND NOT EXISTS (SELECT FROM attribution.event_processing AS p WHERE p.tenant_id = p_tenant AND p.event_id = e.id)
    UNION ALL
    SELECT 'orphan', 'event_processing ' || p.event_id, 'its event is not there'
    FROM attribution.event_processing AS p
    WHERE p.tenant_id = p_tenant
        AND NOT EXISTS (SELECT FROM attribution.attribution_events AS e WHERE e.tenant_id = p_tenant AND e.id = p.event_id)
    UNION ALL
    SELECT 'orphan', 'event ' || p.event_id, 'the conversion is pending and nothing in the queue names it: rebuild() will do it'
    FROM attribution.event_processing AS p
    JOIN attribution.attribution_events AS c ON c.tenant_id = p_tenant AND c.id = p.event_id AND c.event_kind = 'conversion'
    WHERE p.tenant_id = p_tenant AND p.processing_status = 'pending'
        AND p.event_id NOT IN (SELECT q.id FROM unnest(attribution.queued_events(p_tenant)) AS q (id))
    UNION ALL
    SELECT 'orphan', 'key ' || k.idempotency_key, 'the key counts as accepted and has no event'
    FROM attribution.event_keys AS k
    WHERE k.tenant_id = p_tenant AND NOT EXISTS (
        SELECT FROM attribution.attribution_events AS e WHERE e.tenant_id = p_tenant AND e.idempotency_key = k.idempotency_key
    )
    UNION ALL
    SELECT 'processing_dead', 'event ' || p.event_id, p.last_error
    FROM attribution.event_processing AS p
    WHERE p.tenant_id = p_tenant AND p.processing_status = 'dead'
$$;

ALTER FUNCTION attribution.verify_tenant(uuid) OWNER TO attribution_owner;

COMMENT ON FUNCTION attribution.verify_tenant(uuid) IS
'Every invariant on one tenant''s rows: conservation to the cent, the ledger unaltered, no orphans, nothing refused or dead. One row per breach.';

REVOKE ALL ON FUNCTION attribution.verify_tenant(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.verify_tenant(uuid) TO attribution_engine, attribution_admin;
