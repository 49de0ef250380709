-- post_allocations(p_tenant, p_event_ids): make the ledger say what the facts say about the conversions and their refunds.
--
-- p_event_ids whole transactions (see transaction_events()) whose event_processing rows the caller has locked in an earlier statement
-- Returns     ledger lines posted; 0, and no write, where the ledger was right
-- Writes      ledger_batches, revenue_ledger, unfolded_changes
--
-- Decided by state, not by what just happened, so that it can run again at any time; see ledger_changes(). All lines of
-- one kind are one batch. Shares of 0 cents have no line.

CREATE OR REPLACE FUNCTION attribution.post_allocations(p_tenant uuid, p_event_ids uuid[])
RETURNS bigint
LANGUAGE plpgsql
VOLATILE
AS $$
DECLARE
    v_now timestamptz := clock_timestamp();
    v_lines bigint;
BEGIN
    WITH changes AS MATERIALIZED (
        SELECT
            c.kind, c.rule_id, c.line, attribution.uuid_v7() AS id,
            CASE WHEN c.kind = 'attribution' OR (c.line).entry_type = 'reversal' THEN 0 ELSE (
                SELECT count(*)
                FROM attribution.revenue_ledger AS l
                WHERE l.tenant_id = p_tenant AND l.allocation_id = (c.line).allocation_id
                    AND l.event_id = (c.line).event_id AND l.entry_type = (c.line).entry_type
            ) END AS revision
        FROM attribution.ledger_changes(p_tenant, p_event_ids) AS c
    ),
    kinds AS (
        SELECT k.kind, attribution.uuid_v7() AS batch_id
        FROM (SELECT DISTINCT c.kind FROM changes AS c) AS k
    ),
    lines AS MATERIALIZED (
        SELECT
            c.kind, c.rule_id,
            ROW(
                p_tenant, c.id, k.batch_id, (c.line).transaction_id, (c.line).event_id, (c.line).allocation_id,
                (c.line).entry_type, (c.line).account, (c.line).state, (c.line).previous_state, (c.line).channel_code,
                (c.line).campaign_id, (c.line).partner_id, (c.line).amount_cents, (c.line).currency, (c.line).amount_usd_cents,
                (c.line).fx_rate_used, (c.line).fx_conversion_timestamp, (c.line).reverses_id, c.revision,
                (c.line).override_by, (c.line).audit_trail, (c.line).occurred_at, v_now
            )::attribution.revenue_ledger AS line
        FROM changes AS c
        JOIN kinds AS k USING (kind)
    ),
    batches AS (
        SELECT ROW(
            p_tenant, (l.line).batch_id, l.kind,
            CASE WHEN count(DISTINCT (l.line).event_id) = 1 THEN (array_agg((l.line).event_id))[1] END,
            CASE WHEN count(DISTINCT l.rule_id) = 1 THEN (array_agg(l.rule_id) FILTER (WHERE l.rule_id IS NOT NULL))[1] END,
            v_now, session_user,
            CASE l.kind
                WHEN 'attribution' THEN 'revenue credited, conversions: ' || count(DISTINCT (l.line).event_id)
                WHEN 'refund' THEN 'revenue taken back, refunds: ' || count(DISTINCT (l.line).event_id)
                ELSE CASE l.kind
                    WHEN 'restatement' THEN 'facts or rules changed: credit reversed and posted anew'
                    WHEN 'override' THEN 'credit divided by hand, or given back to the rules'
                    ELSE 'dollars adjusted to the rate of the day'
                END || ', transactions: ' || count(DISTINCT (l.line).transaction_id)
            END,
            count(*), array_agg((l.line).id ORDER BY (l.line).id),
            array_agg(attribution.ledger_line_hash(l.line) ORDER BY (l.line).id), NULL
        )::attribution.ledger_batches AS batch
        FROM lines AS l
        GROUP BY l.kind, (l.line).batch_id
    ),
    headed AS (
        INSERT INTO attribution.ledger_batches (
            tenant_id, id, kind, cause_event_id, rule_id, posted_at, posted_by, reason, entry_count, line_ids, line_hashes,
            entries_hash
        )
        SELECT
            p_tenant, (b.batch).id, (b.batch).kind, (b.batch).cause_event_id, (b.batch).rule_id, v_now, (b.batch).posted_by,
            (b.batch).reason, (b.batch).entry_count, (b.batch).line_ids, (b.batch).line_hashes, attribution.batch_hash(b.batch)
        FROM batches AS b
    ),
    noted AS (
        INSERT INTO attribution.unfolded_changes (tenant_id, batch_ids)
        SELECT p_tenant, array_agg(k.batch_id) FROM kinds AS k HAVING count(*) > 0
    )
    INSERT INTO attribution.revenue_ledger SELECT (l.line).* FROM lines AS l;

    GET DIAGNOSTICS v_lines = ROW_COUNT;
    RETURN v_lines;
END
$$;

ALTER FUNCTION attribution.post_allocations(uuid, uuid[]) OWNER TO attribution_owner;

COMMENT ON FUNCTION attribution.post_allocations(uuid, uuid[]) IS
'Makes the ledger say what the facts say about the given conversions and their refunds; returns the lines posted.';

REVOKE ALL ON FUNCTION attribution.post_allocations(uuid, uuid[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.post_allocations(uuid, uuid[]) TO attribution_engine;
