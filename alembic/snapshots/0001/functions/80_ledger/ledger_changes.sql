-- ledger_changes(p_tenant, p_event_ids): the lines that the ledger lacks to say what the facts say.
--
-- p_event_ids conversions, refunds, chargebacks and disputes: whole transactions; see transaction_events()
-- Returns     lines as they would be posted, but for id, batch_id, revision and posted_at; the kind of batch that each belongs
--             into; and the rule that each credits under, null for reversals. None where the ledger is right.
-- Reads       attribution_events, attribution_allocations, allocation_overrides, fx_rates, currencies, revenue_ledger
--
-- Due, for each allocation: its share when the sale is posted, and the change of what is left at each refund. In dollars,
-- too: all that is left of a sale is converted at the rate of its day (UTC), and divided among its lines as the cents are;
-- so dollars sum to the converted rest at every step, and to nothing in the end.
-- What is posted for an event and an allocation in other cents than due is reversed and posted anew; where only the
-- dollars differ, since a rate was missing or corrected, an adjustment adds the difference.

CREATE OR REPLACE FUNCTION attribution.ledger_changes(p_tenant uuid, p_event_ids uuid[])
RETURNS TABLE (kind text, rule_id uuid, line attribution.revenue_ledger)
LANGUAGE sql
STABLE
AS $$
    WITH steps AS MATERIALIZED (SELECT r.* FROM attribution.refund_steps(p_tenant, p_event_ids) AS r),
    states AS MATERIALIZED (
        SELECT DISTINCT ON (s.transaction_id, s.currency) s.transaction_id, s.currency, s.to_state
        FROM steps AS s
        WHERE s.step IS NOT NULL
        ORDER BY s.transaction_id, s.currency, s.step DESC
    ),
    booked AS MATERIALIZED (
        SELECT e.*, x.rate, x.rate_at, a.*
        FROM unnest(p_event_ids) AS k (event_id)
        CROSS JOIN LATERAL (
            SELECT
                i.id AS event_id, coalesce(i.transaction_id, i.id::text) AS transaction_id, i.currency, i.occurred_at,
                i.event_kind
            FROM attribution.attribution_events AS i
            WHERE i.tenant_id = p_tenant AND i.id = k.event_id
            OFFSET 0
        ) AS e
        LEFT JOIN LATERAL attribution.usd_rate(e.currency, e.occurred_at) AS x ON true
        CROSS JOIN LATERAL (
            SELECT
                i.id AS allocation_id, i.rule_id, i.override_id, i."position" AS place, i.channel_code,
                i.campaign_id, i.partner_id, i.allocated_revenue_cents AS cents
            FROM attribution.attribution_allocations AS i
            WHERE i.tenant_id = p_tenant AND i.event_id = k.event_id AND i.superseded_at IS NULL AND i.is_book
                AND i.allocated_revenue_cents > 0
            OFFSET 0
        ) AS a
        WHERE e.event_kind = 'conversion'
    ),
    remains AS MATERIALIZED ( -- what is left of each allocation when it is posted (step 0) and after each refund
        SELECT
            b.allocation_id, 0 AS step, b.event_id AS cause_id, b.occurred_at AS caused_at, b.cents AS held,
            CASE WHEN b.override_id IS NULL THEN 'attribution' ELSE 'override' END AS entry_type,
            NULL::text AS from_state, 'captured' AS to_state
        FROM booked AS b
        UNION ALL
        SELECT
            l.allocation_id, s.step, s.event_id, s.occurred_at, l.held,
            CASE s.event_type WHEN 'chargeback' THEN 'chargeback' ELSE 'refund' END, s.from_state, s.to_state
        FROM steps AS s
        CROSS JOIN LATERAL unnest(s.allocation_ids, s.left_after) AS l (allocation_id, held)
        WHERE s.error_code IS NULL AND s.left_before <> s.left_after
    ),
    dollars AS MATERIALIZED (
        SELECT g.step, d.allocation_id, d.held
        FROM (
            SELECT
                r.step, array_agg(b.allocation_id ORDER BY b.place = 0, b.place) AS allocation_ids,
                attribution.divide_cents(
                    attribution.to_usd_cents(sum(r.held), c.minor_unit, b.rate),
                    array_agg(r.held::numeric ORDER BY b.place = 0, b.place)
                ) AS helds
            FROM remains AS r
            JOIN booked AS b USING (allocation_id)
            JOIN attribution.currencies AS c ON c.code = b.currency
            WHERE b.currency <> 'USD' AND b.rate IS NOT NULL
            GROUP BY b.event_id, b.rate, c.minor_unit, r.step
        ) AS g
        CROSS JOIN LATERAL unnest(g.allocation_ids, g.helds) AS d (allocation_id, held)
    ),
    due AS MATERIALIZED (
        SELECT
            b.*, r.step, r.cause_id, r.caused_at, r.entry_type, r.from_state, r.to_state,
            r.held - lag(r.held, 1, 0::bigint) OVER steps AS amount_cents,
            CASE b.currency
                WHEN 'USD' THEN r.held - lag(r.held, 1, 0::bigint) OVER steps
                ELSE d.held - lag(d.held, 1, 0::bigint) OVER steps
            END AS amount_usd_cents
        FROM remains AS r
        JOIN booked AS b USING (allocation_id)
        LEFT JOIN dollars AS d ON d.allocation_id = r.allocation_id AND d.step = r.step
        WINDOW steps AS (PARTITION BY r.allocation_id ORDER BY r.step)
    ),
    posted AS MATERIALIZED ( -- lines that nothing has reversed
        SELECT l.*
        FROM unnest(p_event_ids) AS k (event_id)
        CROSS JOIN LATERAL (
            SELECT i.*
            FROM attribution.revenue_ledger AS i
            WHERE i.tenant_id = p_tenant AND i.event_id = k.event_id AND i.entry_type <> 'reversal'
                AND NOT EXISTS (
                    SELECT FROM attribution.revenue_ledger AS r WHERE r.tenant_id = p_tenant AND r.reverses_id = i.id
                )
            OFFSET 0
        ) AS l
    ),
    compared AS MATERIALIZED ( -- FULL JOIN and window, since neither becomes a nested loop, however few rows are expected
        SELECT
            x.*,
            bool_or(x.is_reversed) OVER sale AS is_restated,
            coalesce(max(x.state) OVER sale, 'captured') AS now_state
        FROM (
            SELECT
                p.event_id, p.allocation_id, coalesce(p.transaction_id, d.transaction_id) AS transaction_id,
                coalesce(p.currency, d.currency) AS currency,
                p.event_id IS NOT NULL AND p.amount_cents IS DISTINCT FROM d.amount_cents AS is_reversed,
                d.cause_id IS NOT NULL AND p.amount_cents IS DISTINCT FROM d.amount_cents AS is_posted,
                CASE WHEN p.amount_cents = d.amount_cents THEN d.amount_usd_cents - coalesce(p.amount_usd_cents, 0) END AS dollars,
                d AS due, NULL AS state
            FROM (
                SELECT
                    l.event_id, l.allocation_id, l.transaction_id, l.currency, sum(l.amount_cents) AS amount_cents,
                    sum(l.amount_usd_cents) AS amount_usd_cents
                FROM posted AS l
                GROUP BY l.event_id, l.allocation_id, l.transaction_id, l.currency
            ) AS p
            FULL JOIN (
                SELECT i.* FROM due AS i WHERE i.amount_cents <> 0 OR i.amount_usd_cents <> 0
            ) AS d ON d.cause_id = p.event_id AND d.allocation_id = p.allocation_id
            UNION ALL
            SELECT NULL, NULL, s.transaction_id, s.currency, NULL, NULL, NULL, NULL, s.to_state
            FROM states AS s
        ) AS x
        WINDOW sale AS (PARTITION BY x.transaction_id, x.currency)
    ),
    lines AS (
        SELECT
            'reversal' AS entry_type, l.account, l.transaction_id, l.event_id, l.allocation_id, c.now_state AS state,
            c.now_state AS previous_state, l.channel_code, l.campaign_id, l.partner_id, -l.amount_cents AS amount_cents,
            l.currency, -l.amount_usd_cents AS amount_usd_cents, l.fx_rate_used, l.fx_conversion_timestamp,
            l.id AS reverses_id, l.entry_type = 'override' AS is_division, false AS is_override, l.occurred_at,
            NULL::uuid AS rule_id
        FROM compared AS c
        JOIN posted AS l ON l.event_id = c.event_id AND l.allocation_id = c.allocation_id
        WHERE c.is_reversed
        UNION ALL
        SELECT
            CASE WHEN c.is_posted AND (c.due).amount_cents <> 0 THEN (c.due).entry_type ELSE 'adjustment' END,
            CASE WHEN (c.due).step = 0 THEN 'revenue' ELSE 'returns' END,
            (c.due).transaction_id, (c.due).cause_id, (c.due).allocation_id,
            CASE WHEN c.is_posted AND ((c.due).step > 0 OR NOT c.is_restated) THEN (c.due).to_state ELSE c.now_state END,
            CASE WHEN c.is_posted AND ((c.due).step > 0 OR NOT c.is_restated) THEN (c.due).from_state ELSE c.now_state END,
            (c.due).channel_code, (c.due).campaign_id, (c.due).partner_id,
            CASE WHEN c.is_posted THEN (c.due).amount_cents ELSE 0 END, (c.due).currency,
            CASE WHEN c.is_posted THEN (c.due).amount_usd_cents ELSE c.dollars END,
            CASE WHEN (c.due).amount_usd_cents IS NOT NULL THEN (c.due).rate END,
            CASE WHEN (c.due).amount_usd_cents IS NOT NULL THEN (c.due).rate_at END,
            NULL, c.is_posted AND (c.due).entry_type = 'override', (c.due).override_id IS NOT NULL, (c.due).caused_at,
            (c.due).rule_id
        FROM compared AS c
        WHERE c.is_posted OR c.dollars <> 0
    )
    SELECT
        CASE
            WHEN l.is_divided THEN 'override'
            WHEN l.is_restated THEN 'restatement'
            WHEN l.entry_type = 'chargeback' THEN 'refund'
            ELSE l.entry_type
        END,
        l.rule_id,
        ROW(
            p_tenant, NULL, NULL, l.transaction_id, l.event_id, l.allocation_id, l.entry_type, l.account, l.state, l.previous_state,
            l.channel_code, l.campaign_id, l.partner_id, l.amount_cents, l.currency, l.amount_usd_cents, l.fx_rate_used,
            l.fx_conversion_timestamp, l.reverses_id, 0, o.override_by,
            CASE WHEN o.id IS NOT NULL THEN jsonb_build_object(
                'override_id', o.id, 'by', o.override_by, 'at', o.created_at, 'reason', o.reason
            ) END,
            l.occurred_at, NULL
        )::attribution.revenue_ledger
    FROM (
        SELECT
            i.*,
            bool_or(i.is_division) OVER sale AS is_divided,
            bool_or(i.entry_type = 'reversal') OVER sale AS is_restated
        FROM lines AS i
        WINDOW sale AS (PARTITION BY i.transaction_id, i.currency)
    ) AS l
    LEFT JOIN LATERAL ( -- the newest counts: it divided the sale, or lifted the division that is reversed here
        SELECT i.*
        FROM attribution.allocation_overrides AS i
        WHERE i.tenant_id = p_tenant AND i.transaction_id = l.transaction_id AND (l.is_divided OR l.is_override)
        ORDER BY i.sequence DESC
        LIMIT 1
    ) AS o ON true
$$;

ALTER FUNCTION attribution.ledger_changes(uuid, uuid[]) OWNER TO attribution_owner;

COMMENT ON FUNCTION attribution.ledger_changes(uuid, uuid[]) IS
'The lines that the ledger lacks to say what the facts say about the given conversions and their refunds; none where it is right.';

REVOKE ALL ON FUNCTION attribution.ledger_changes(uuid, uuid[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.ledger_changes(uuid, uuid[]) TO attribution_engine, attribution_admin;
