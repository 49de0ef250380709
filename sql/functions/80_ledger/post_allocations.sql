-- post_allocations(p_tenant, p_event_ids): make the ledger say what the current book allocations say.
--
-- p_event_ids conversions whose event_processing rows the caller has locked in an earlier statement
-- Returns     ledger lines posted; 0, and no write, where the ledger was right
-- Writes      ledger_batches, revenue_ledger
--
-- Decided by state, not by what just happened, so that it can run again at any time: lines of allocations that are no
-- longer current are reversed, current book allocations without a line are posted. A conversion with something to
-- reverse goes into one restatement batch, the others into one attribution batch. Shares of 0 cents have no line.

CREATE OR REPLACE FUNCTION attribution.post_allocations(p_tenant uuid, p_event_ids uuid[])
RETURNS bigint
LANGUAGE plpgsql
VOLATILE
AS $$
DECLARE
    v_now timestamptz := clock_timestamp();
    v_lines bigint;
BEGIN
    WITH posted AS MATERIALIZED ( -- lines that nothing has reversed
        SELECT l.*
        FROM unnest(p_event_ids) AS k (event_id)
        CROSS JOIN LATERAL (
            SELECT x.*
            FROM attribution.revenue_ledger AS x
            WHERE x.tenant_id = p_tenant AND x.event_id = k.event_id AND x.entry_type = 'attribution'
                AND NOT EXISTS (
                    SELECT FROM attribution.revenue_ledger AS r WHERE r.tenant_id = p_tenant AND r.reverses_id = x.id
                )
            OFFSET 0
        ) AS l
    ),
    booked AS MATERIALIZED ( -- what is current
        SELECT a.*
        FROM unnest(p_event_ids) AS k (event_id)
        CROSS JOIN LATERAL (
            SELECT x.*, coalesce(e.transaction_id, e.id::text) AS transaction_id
            FROM attribution.attribution_allocations AS x
            JOIN attribution.attribution_events AS e ON e.tenant_id = p_tenant AND e.id = k.event_id
            WHERE x.tenant_id = p_tenant AND x.event_id = k.event_id AND x.superseded_at IS NULL
                AND x.is_book AND x.allocated_revenue_cents > 0
            OFFSET 0
        ) AS a
    ),
    compared AS MATERIALIZED ( -- a FULL JOIN, since that is never a nested loop, however few rows are expected
        SELECT
            p AS posted, b AS booked,
            bool_or(b.id IS NULL) OVER (PARTITION BY coalesce(p.event_id, b.event_id)) AS is_restated
        FROM posted AS p
        FULL JOIN booked AS b ON b.id = p.allocation_id
        WHERE p.id IS NULL OR b.id IS NULL
    ),
    lines AS MATERIALIZED (
        SELECT
            attribution.uuid_v7() AS id, 'restatement' AS kind, NULL::uuid AS rule_id, (c.posted).transaction_id,
            (c.posted).event_id, (c.posted).allocation_id, 'reversal' AS entry_type, 'captured' AS state,
            'captured' AS previous_state, (c.posted).channel_code, (c.posted).campaign_id, (c.posted).partner_id,
            -(c.posted).amount_cents AS amount_cents, (c.posted).currency, -(c.posted).amount_usd_cents AS amount_usd_cents,
            (c.posted).fx_rate_used, (c.posted).fx_conversion_timestamp, (c.posted).id AS reverses_id, (c.posted).occurred_at
        FROM compared AS c
        WHERE (c.booked).id IS NULL
        UNION ALL
        SELECT
            attribution.uuid_v7(), CASE WHEN c.is_restated THEN 'restatement' ELSE 'attribution' END, (c.booked).rule_id,
            (c.booked).transaction_id, (c.booked).event_id, (c.booked).id, 'attribution', 'captured',
            CASE WHEN c.is_restated THEN 'captured' END, (c.booked).channel_code, (c.booked).campaign_id,
            (c.booked).partner_id, (c.booked).allocated_revenue_cents, (c.booked).currency,
            CASE (c.booked).currency WHEN 'USD' THEN (c.booked).allocated_revenue_cents END,
            CASE (c.booked).currency WHEN 'USD' THEN 1::numeric END,
            CASE (c.booked).currency WHEN 'USD' THEN (c.booked).occurred_at END, NULL, (c.booked).occurred_at
        FROM compared AS c
        WHERE (c.posted).id IS NULL
    ),
    batches AS MATERIALIZED (
        SELECT
            attribution.uuid_v7() AS id, l.kind, count(*) AS entry_count,
            CASE WHEN count(DISTINCT l.event_id) = 1 THEN (array_agg(l.event_id))[1] END AS cause_event_id,
            CASE WHEN count(DISTINCT l.rule_id) = 1 THEN (array_agg(l.rule_id) FILTER (WHERE l.rule_id IS NOT NULL))[1] END AS rule_id,
            array_agg(attribution.ledger_line_canonical(
                p_tenant, l.id, l.transaction_id, l.event_id, l.allocation_id, l.entry_type, l.state, l.previous_state,
                l.channel_code, l.campaign_id, l.partner_id, l.amount_cents, l.currency, l.amount_usd_cents, l.fx_rate_used,
                l.fx_conversion_timestamp, l.reverses_id, NULL, NULL, l.occurred_at, v_now
            ) ORDER BY l.id) AS lines,
            CASE l.kind WHEN 'attribution' THEN 'revenue credited' ELSE 'facts or rules changed: credit reversed and posted anew' END
            || ', conversions: ' || count(DISTINCT l.event_id) AS reason
        FROM lines AS l
        GROUP BY l.kind
    ),
    headed AS (
        INSERT INTO attribution.ledger_batches (
            tenant_id, id, kind, cause_event_id, rule_id, posted_at, posted_by, reason, entry_count, entries_hash
        )
        SELECT
            p_tenant, b.id, b.kind, b.cause_event_id, b.rule_id, v_now, session_user, b.reason, b.entry_count,
            attribution.batch_hash(b.kind, b.cause_event_id, b.rule_id, v_now, session_user, b.reason, b.lines)
        FROM batches AS b
    )
    INSERT INTO attribution.revenue_ledger (
        tenant_id, id, batch_id, transaction_id, event_id, allocation_id, entry_type, state, previous_state, channel_code,
        campaign_id, partner_id, amount_cents, currency, amount_usd_cents, fx_rate_used, fx_conversion_timestamp,
        reverses_id, occurred_at, posted_at
    )
    SELECT
        p_tenant, l.id, b.id, l.transaction_id, l.event_id, l.allocation_id, l.entry_type, l.state, l.previous_state,
        l.channel_code, l.campaign_id, l.partner_id, l.amount_cents, l.currency, l.amount_usd_cents, l.fx_rate_used,
        l.fx_conversion_timestamp, l.reverses_id, l.occurred_at, v_now
    FROM lines AS l
    JOIN batches AS b USING (kind);

    GET DIAGNOSTICS v_lines = ROW_COUNT;
    RETURN v_lines;
END
$$;

ALTER FUNCTION attribution.post_allocations(uuid, uuid[]) OWNER TO attribution_owner;

COMMENT ON FUNCTION attribution.post_allocations(uuid, uuid[]) IS
'Makes the ledger say what the current book allocations of the given conversions say; returns the lines posted.';

REVOKE ALL ON FUNCTION attribution.post_allocations(uuid, uuid[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.post_allocations(uuid, uuid[]) TO attribution_engine;
