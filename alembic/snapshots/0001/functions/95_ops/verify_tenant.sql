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
    -- The ledger holds the value of each processed conversion, and nothing else.
    SELECT
        'ledger_drift', 'transaction ' || coalesce(e.transaction_id, e.id::text),
        format('the ledger holds %s of %s %s of conversion %s', coalesce(l.amount_cents, 0), e.conversion_value_cents, e.currency, e.id)
    FROM attribution.attribution_events AS e
    JOIN attribution.event_processing AS p ON p.tenant_id = p_tenant AND p.event_id = e.id
    LEFT JOIN (
        SELECT x.event_id, x.currency, sum(x.amount_cents) AS amount_cents
        FROM attribution.revenue_ledger AS x
        WHERE x.tenant_id = p_tenant
        GROUP BY x.event_id, x.currency
    ) AS l ON l.event_id = e.id AND l.currency = e.currency
    WHERE e.tenant_id = p_tenant AND e.event_kind = 'conversion' AND p.processing_status = 'processed'
        AND coalesce(l.amount_cents, 0) <> e.conversion_value_cents
    UNION ALL
    SELECT
        'ledger_foreign_line', 'line ' || l.id,
        format('the line does not match its event, allocation or the line it reverses: %s %s', l.amount_cents, l.currency)
    FROM attribution.revenue_ledger AS l
    LEFT JOIN attribution.attribution_events AS e ON e.tenant_id = p_tenant AND e.id = l.event_id
    LEFT JOIN attribution.attribution_allocations AS a ON a.tenant_id = p_tenant AND a.id = l.allocation_id
    LEFT JOIN attribution.revenue_ledger AS o ON o.tenant_id = p_tenant AND o.id = l.reverses_id
    WHERE l.tenant_id = p_tenant AND NOT coalesce(
        e.currency = l.currency AND coalesce(e.transaction_id, e.id::text) = l.transaction_id AND a.event_id = l.event_id
        AND a.channel_code = l.channel_code AND CASE l.entry_type
            WHEN 'attribution' THEN l.amount_cents = a.allocated_revenue_cents
            WHEN 'reversal' THEN l.amount_cents = -o.amount_cents AND l.allocation_id = o.allocation_id
        END, false)
    UNION ALL
    -- What is current is posted, and what is posted is current.
    SELECT 'allocation_unposted', 'allocation ' || a.id, 'a current book allocation has no ledger line'
    FROM attribution.attribution_allocations AS a
    WHERE a.tenant_id = p_tenant AND a.is_book AND a.superseded_at IS NULL AND a.allocated_revenue_cents > 0
        AND NOT EXISTS (
            SELECT FROM attribution.revenue_ledger AS l
            WHERE l.tenant_id = p_tenant AND l.allocation_id = a.id AND l.entry_type = 'attribution'
        )
    UNION ALL
    SELECT 'allocation_not_reversed', 'line ' || l.id, 'its allocation is superseded and the line is not reversed'
    FROM attribution.revenue_ledger AS l
    JOIN attribution.attribution_allocations AS a ON a.tenant_id = p_tenant AND a.id = l.allocation_id
    WHERE l.tenant_id = p_tenant AND l.entry_type = 'attribution' AND a.superseded_at IS NOT NULL
        AND NOT EXISTS (
            SELECT FROM attribution.revenue_ledger AS r WHERE r.tenant_id = p_tenant AND r.reverses_id = l.id
        )
    UNION ALL
    -- Each batch has the lines it was posted with, and neither was altered.
    SELECT
        'batch_altered', 'batch ' || b.id, format('%s lines of %s; the hash of the batch differs or a line is gone',
            coalesce(cardinality(h.lines), 0), b.entry_count)
    FROM attribution.ledger_batches AS b
    LEFT JOIN (
        SELECT
            l.batch_id, array_agg(attribution.ledger_line_canonical(
                l.tenant_id, l.id, l.transaction_id, l.event_id, l.allocation_id, l.entry_type, l.state, l.previous_state,
                l.channel_code, l.campaign_id, l.partner_id, l.amount_cents, l.currency, l.amount_usd_cents, l.fx_rate_used,
                l.fx_conversion_timestamp, l.reverses_id, l.override_by, l.audit_trail, l.occurred_at, l.posted_at
            ) ORDER BY l.id) AS lines
        FROM attribution.revenue_ledger AS l
        WHERE l.tenant_id = p_tenant
        GROUP BY l.batch_id
    ) AS h ON h.batch_id = b.id
    WHERE b.tenant_id = p_tenant AND (cardinality(h.lines), attribution.batch_hash(
        b.kind, b.cause_event_id, b.rule_id, b.posted_at, b.posted_by, b.reason, h.lines
    )) IS DISTINCT FROM (b.entry_count, b.entries_hash)
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
                FROM unnest(attribution.conversions_affected_by(p_tenant, ARRAY(
                    SELECT e.id
                    FROM attribution.work_queue AS q
                    CROSS JOIN LATERAL unnest(q.event_ids) AS e (id)
                    WHERE q.tenant_id = p_tenant
                ))) AS f (id)
            )
    ) AS settled
    CROSS JOIN LATERAL (
        SELECT event_id, rule_id
        FROM attribution.compute_allocations(p_tenant, settled.event_ids) AS d
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
    SELECT 'orphan', 'line ' || l.id, 'its batch is not there'
    FROM attribution.revenue_ledger AS l
    WHERE l.tenant_id = p_tenant
        AND NOT EXISTS (SELECT FROM attribution.ledger_batches AS b WHERE b.tenant_id = p_tenant AND b.id = l.batch_id)
    UNION ALL
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
    SELECT 'orphan', 'event ' || e.id, 'a conversion or refund without its row in event_processing is never processed'
    FROM attribution.attribution_events AS e
    WHERE e.tenant_id = p_tenant AND e.event_kind IN ('conversion', 'refund')
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
    WHERE p.tenant_id = p_tenant AND p.processing_status = 'pending' AND p.event_id NOT IN (
        SELECT e.id
        FROM attribution.work_queue AS q
        CROSS JOIN LATERAL unnest(q.event_ids) AS e (id)
        WHERE q.tenant_id = p_tenant
    )
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
'Every invariant on one tenant''s rows: conservation to the cent, batches unaltered, no orphans, nothing dead. One row per breach.';

REVOKE ALL ON FUNCTION attribution.verify_tenant(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.verify_tenant(uuid) TO attribution_engine, attribution_admin;
