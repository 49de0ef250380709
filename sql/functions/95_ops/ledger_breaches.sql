-- ledger_breaches(p_tenant): what is wrong with a tenant's ledger.
--
-- Returns  one row per breach: check_name, object (the line, allocation, batch, seal or transaction), detail
-- Reads    revenue_ledger, ledger_batches, ledger_seals, revenue_state_transitions, and the facts behind them
--
-- Transactions that the queue may still change are left out where that matters: they are work, not breaches.

CREATE OR REPLACE FUNCTION attribution.ledger_breaches(p_tenant uuid)
RETURNS TABLE (check_name text, object text, detail text)
LANGUAGE sql
STABLE
AS $$
    WITH settled AS MATERIALIZED (
        SELECT array_agg(x.id) AS event_ids
        FROM (
            SELECT e.id
            FROM attribution.attribution_events AS e
            WHERE e.tenant_id = p_tenant AND e.event_kind IN ('conversion', 'refund', 'dispute')
            EXCEPT
            SELECT f.id
            FROM unnest(attribution.transaction_events(
                p_tenant, attribution.conversions_affected_by(p_tenant, attribution.queued_events(p_tenant))
            )) AS f (id)
        ) AS x
    ),
    lines AS MATERIALIZED (
        SELECT l AS line, l.* FROM attribution.revenue_ledger AS l WHERE l.tenant_id = p_tenant
    ),
    sales AS MATERIALIZED ( -- conversions that are booked, and the refunds that are
        SELECT
            e.id, e.event_kind, coalesce(e.transaction_id, e.id::text) AS transaction_id, e.currency, e.occurred_at,
            e.conversion_value_cents AS cents
        FROM attribution.attribution_events AS e
        JOIN attribution.event_processing AS p ON p.tenant_id = p_tenant AND p.event_id = e.id
        WHERE e.tenant_id = p_tenant AND CASE e.event_kind
            WHEN 'conversion' THEN p.processing_status = 'processed' OR EXISTS (
                SELECT
                FROM attribution.attribution_allocations AS a
                WHERE a.tenant_id = p_tenant AND a.event_id = e.id AND a.superseded_at IS NULL AND a.is_book
            )
            WHEN 'refund' THEN p.processing_status = 'processed'
            ELSE false
        END
    )
    -- G1: the ledger holds what was captured minus what was taken back, and nothing else.
    SELECT
        'ledger_drift', 'transaction ' || coalesce(s.transaction_id, l.transaction_id),
        format('the ledger holds %s %s of %s captured minus %s taken back',
            coalesce(l.cents, 0), coalesce(s.currency, l.currency), coalesce(s.captured, 0), coalesce(s.taken_back, 0))
    FROM (
        SELECT
            i.transaction_id, i.currency, coalesce(sum(i.cents) FILTER (WHERE i.event_kind = 'conversion'), 0) AS captured,
            coalesce(sum(i.cents) FILTER (WHERE i.event_kind = 'refund'), 0) AS taken_back
        FROM sales AS i
        GROUP BY i.transaction_id, i.currency
    ) AS s
    FULL JOIN (
        SELECT i.transaction_id, i.currency, sum(i.amount_cents) AS cents FROM lines AS i GROUP BY i.transaction_id, i.currency
    ) AS l ON l.transaction_id = s.transaction_id AND l.currency = s.currency
    WHERE coalesce(l.cents, 0) <> coalesce(s.captured, 0) - coalesce(s.taken_back, 0)
    UNION ALL
    SELECT
        'balance_negative', 'allocation ' || l.allocation_id,
        format('its lines sum to %s %s, or %s US cents', sum(l.amount_cents), l.currency, sum(l.amount_usd_cents))
    FROM lines AS l
    GROUP BY l.allocation_id, l.currency
    HAVING sum(l.amount_cents) < 0 OR sum(l.amount_usd_cents) < 0
    UNION ALL
    -- The dollars of a sale are what is left of it, converted.
    SELECT
        'fx_drift', 'transaction ' || s.transaction_id,
        format('%s US cents are booked for %s %s at %s', l.usd, l.cents, s.currency, l.rate)
    FROM (
        SELECT
            a.event_id, sum(i.amount_cents) AS cents, sum(i.amount_usd_cents) AS usd,
            (array_agg(i.fx_rate_used ORDER BY i.posted_at DESC)
                FILTER (WHERE i.fx_rate_used IS NOT NULL AND i.entry_type <> 'reversal'))[1] AS rate
        FROM lines AS i
        JOIN attribution.attribution_allocations AS a ON a.tenant_id = p_tenant AND a.id = i.allocation_id
        GROUP BY a.event_id
    ) AS l
    JOIN sales AS s ON s.id = l.event_id
    JOIN attribution.currencies AS c ON c.code = s.currency
    WHERE l.usd <> attribution.to_usd_cents(l.cents, c.minor_unit, l.rate)
    UNION ALL
    SELECT
        'ledger_foreign_line', 'line ' || l.id,
        format('the line does not match its event, its allocation or the line it reverses: %s %s', l.amount_cents, l.currency)
    FROM lines AS l
    LEFT JOIN attribution.attribution_events AS e ON e.tenant_id = p_tenant AND e.id = l.event_id
    LEFT JOIN attribution.attribution_allocations AS a ON a.tenant_id = p_tenant AND a.id = l.allocation_id
    LEFT JOIN attribution.attribution_events AS s ON s.tenant_id = p_tenant AND s.id = a.event_id
    LEFT JOIN attribution.revenue_ledger AS o ON o.tenant_id = p_tenant AND o.id = l.reverses_id
    WHERE NOT coalesce(
        e.currency = l.currency AND coalesce(e.transaction_id, e.id::text) = l.transaction_id AND s.currency = l.currency
        AND coalesce(s.transaction_id, s.id::text) = l.transaction_id
        AND (a.channel_code, a.campaign_id, a.partner_id) IS NOT DISTINCT FROM (l.channel_code, l.campaign_id, l.partner_id)
        AND CASE l.entry_type
            WHEN 'attribution' THEN l.amount_cents = a.allocated_revenue_cents AND a.event_id = e.id AND a.override_id IS NULL
            WHEN 'override' THEN l.amount_cents = a.allocated_revenue_cents AND a.event_id = e.id AND a.override_id IS NOT NULL
            WHEN 'reversal' THEN l.amount_cents = -o.amount_cents AND l.allocation_id = o.allocation_id AND l.event_id = o.event_id
                AND o.entry_type <> 'reversal' AND l.amount_usd_cents IS NOT DISTINCT FROM -o.amount_usd_cents AND l.account = o.account
            WHEN 'adjustment' THEN l.account = CASE e.event_kind WHEN 'refund' THEN 'returns' ELSE 'revenue' END
            ELSE l.amount_cents < 0 AND e.event_kind = 'refund'
        END, false)
    UNION ALL
    -- What is due is posted, and what is posted is due.
    SELECT
        CASE (c.line).entry_type
            WHEN 'reversal' THEN 'allocation_not_reversed' WHEN 'adjustment' THEN 'fx_drift' ELSE 'allocation_unposted'
        END,
        CASE (c.line).entry_type
            WHEN 'reversal' THEN 'line ' || (c.line).reverses_id ELSE 'allocation ' || (c.line).allocation_id
        END,
        format(CASE (c.line).entry_type
            WHEN 'reversal' THEN 'the line is no longer due and not reversed: %s %s of transaction %s'
            ELSE 'a line is due and not there: %s %s of transaction %s'
        END, abs((c.line).amount_cents), (c.line).currency, (c.line).transaction_id)
    FROM settled AS s
    CROSS JOIN LATERAL attribution.ledger_changes(p_tenant, s.event_ids) AS c
    UNION ALL
    SELECT
        'state_drift', 'transaction ' || d.transaction_id, format('it is %s by its events and %s by the record', d.to_state, r.to_state)
    FROM settled AS s
    CROSS JOIN LATERAL (
        SELECT DISTINCT ON (i.transaction_id, i.currency) i.transaction_id, i.currency, i.to_state
        FROM attribution.refund_steps(p_tenant, s.event_ids) AS i
        WHERE i.step IS NOT NULL
        ORDER BY i.transaction_id, i.currency, i.step DESC
    ) AS d
    CROSS JOIN LATERAL (
        SELECT coalesce((
            SELECT t.to_state
            FROM attribution.revenue_state_transitions AS t
            WHERE t.tenant_id = p_tenant AND t.transaction_id = d.transaction_id AND t.currency = d.currency
            ORDER BY t.sequence DESC
            LIMIT 1
        ), 'captured') AS to_state
    ) AS r
    WHERE r.to_state <> d.to_state
    UNION ALL
    SELECT
        'state_drift', 'transaction ' || t.transaction_id,
        format('transition %s starts from %s, the one before ended in %s', t.sequence, t.from_state, t.before)
    FROM (
        SELECT
            i.*, lag(i.to_state, 1, 'captured') OVER past AS before, lag(i.sequence, 1, 0) OVER past AS sequence_before
        FROM attribution.revenue_state_transitions AS i
        WHERE i.tenant_id = p_tenant
        WINDOW past AS (PARTITION BY i.transaction_id, i.currency ORDER BY i.sequence)
    ) AS t
    WHERE t.from_state <> t.before OR t.sequence <> t.sequence_before + 1
    UNION ALL
    -- Each batch has the lines that it was posted with, and neither was altered.
    SELECT
        CASE WHEN l.id IS NULL THEN 'line_removed' WHEN x.line_id IS NULL THEN 'line_inserted' ELSE 'line_altered' END,
        'line ' || coalesce(l.id, x.line_id),
        CASE
            WHEN l.id IS NULL THEN 'batch ' || x.batch_id || ' was posted with this line, which is gone'
            WHEN x.line_id IS NULL THEN 'batch ' || l.batch_id || ' was posted without this line'
            ELSE 'the line is not what batch ' || x.batch_id || ' was posted with'
        END
    FROM (
        SELECT b.id AS batch_id, i.line_id, i.hash
        FROM attribution.ledger_batches AS b
        CROSS JOIN LATERAL unnest(b.line_ids, b.line_hashes) AS i (line_id, hash)
        WHERE b.tenant_id = p_tenant
    ) AS x
    FULL JOIN lines AS l ON l.id = x.line_id AND l.batch_id = x.batch_id
    WHERE l.id IS NULL OR x.line_id IS NULL OR attribution.ledger_line_hash(l.line) <> x.hash
    UNION ALL
    SELECT 'batch_altered', 'batch ' || b.id, 'its columns or its list of lines are not what was hashed when it was posted'
    FROM attribution.ledger_batches AS b
    WHERE b.tenant_id = p_tenant AND attribution.batch_hash(b) <> b.entries_hash
    UNION ALL
    SELECT 'orphan', 'line ' || l.id, 'its batch ' || l.batch_id || ' is not there'
    FROM lines AS l
    WHERE NOT EXISTS (SELECT FROM attribution.ledger_batches AS b WHERE b.tenant_id = p_tenant AND b.id = l.batch_id)
    UNION ALL
    -- The chain: each seal follows the one before it, and its batch is the one that was sealed.
    SELECT
        CASE WHEN b.id IS NULL THEN 'batch_removed' ELSE 'batch_rewritten' END, 'batch ' || s.batch_id,
        format('seal %s stands for %s', s.seq, CASE WHEN b.id IS NULL THEN 'a batch that is gone' ELSE 'other contents' END)
    FROM attribution.ledger_seals AS s
    LEFT JOIN attribution.ledger_batches AS b ON b.tenant_id = p_tenant AND b.id = s.batch_id
    WHERE s.tenant_id = p_tenant AND b.entries_hash IS DISTINCT FROM s.batch_hash
    UNION ALL
    SELECT x.check_name, 'seal ' || s.seq, x.detail
    FROM (
        SELECT
            i.*, lag(i.seq, 1, 0::bigint) OVER chain AS seq_before,
            lag(i.chain_hash, 1, decode(repeat('00', 32), 'hex')) OVER chain AS hash_before
        FROM attribution.ledger_seals AS i
        WHERE i.tenant_id = p_tenant
        WINDOW chain AS (ORDER BY i.seq)
    ) AS s
    CROSS JOIN LATERAL (
        VALUES
        (s.seq <> s.seq_before + 1, 'seal_gap', format('the seals between %s and %s are gone', s.seq_before, s.seq)),
        (s.prev_hash <> s.hash_before, 'chain_broken', 'it does not follow the seal before it'),
        (s.chain_hash <> attribution.seal_hash(p_tenant, s.seq, s.batch_id, s.batch_hash, s.prev_hash, s.sealed_at),
            'seal_altered', 'its hash is not that of its columns: batch ' || s.batch_id || ' is not the one sealed here, or was re-ordered')
    ) AS x (is_breach, check_name, detail)
    WHERE x.is_breach
$$;

ALTER FUNCTION attribution.ledger_breaches(uuid) OWNER TO attribution_owner;

COMMENT ON FUNCTION attribution.ledger_breaches(uuid) IS
'What is wrong with a tenant''s ledger: sums, dollars, states, lines and batches that were altered, removed or inserted, and the chain of seals. One row per breach.';

REVOKE ALL ON FUNCTION attribution.ledger_breaches(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.ledger_breaches(uuid) TO attribution_engine, attribution_admin;
