-- book_conversions(p_tenant, p_event_ids): divide and post conversions for which nothing was computed before.
--
-- p_event_ids conversions without an allocation, whose transactions hold nothing else that counts: no refund, no dispute, no
--             division by hand, no conversion that has allocations; the caller has locked their event_processing rows
-- Returns     credited: those that got allocations; booked: those with any under a book rule
-- Writes      attribution_allocations, ledger_batches, revenue_ledger, unfolded_changes
--
-- What store_allocations() and post_allocations() would do, in one statement: there is nothing to compare with, and nothing to
-- take back. That is how almost every conversion is first seen; ledger_changes() must find nothing to add afterwards.

CREATE OR REPLACE FUNCTION attribution.book_conversions(
    p_tenant uuid,
    p_event_ids uuid[],
    OUT credited uuid[],
    OUT booked uuid[]
)
LANGUAGE plpgsql
VOLATILE
AS $$
DECLARE
    v_now timestamptz := clock_timestamp();
    v_batch uuid := attribution.uuid_v7();
BEGIN
    WITH stored AS (
        INSERT INTO attribution.attribution_allocations (
            tenant_id, event_id, rule_id, model_version, is_book, touch_id, "position", channel_code, campaign_id, partner_id,
            allocation_ratio, allocated_revenue_cents, currency, occurred_at, reason, created_at
        )
        SELECT
            p_tenant, c.event_id, c.rule_id, c.model_version, c.is_book, c.touch_id, c."position", c.channel_code, c.campaign_id,
            c.partner_id, c.allocation_ratio, c.allocated_revenue_cents, c.currency, c.occurred_at, c.reason, v_now
        FROM attribution.compute_allocations(p_tenant, p_event_ids) AS c
        RETURNING
            id, event_id, rule_id, is_book, "position" AS place, channel_code, campaign_id, partner_id,
            allocated_revenue_cents AS cents, currency, occurred_at
    ),
    lines AS MATERIALIZED (
        SELECT
            attribution.uuid_v7() AS id, s.event_id, e.transaction_id, s.rule_id, a.allocation_id, a.channel_code, a.campaign_id,
            a.partner_id, a.cents, s.currency, a.usd_cents, s.occurred_at,
            CASE WHEN a.usd_cents IS NOT NULL THEN r.rate END AS rate,
            CASE WHEN a.usd_cents IS NOT NULL THEN r.rate_at END AS rate_at
        FROM (
            SELECT
                b.event_id, b.rule_id, b.currency, b.occurred_at, sum(b.cents) AS total,
                array_agg(b.id ORDER BY b.place = 0, b.place) AS ids,
                array_agg(b.channel_code ORDER BY b.place = 0, b.place) AS channels,
                array_agg(b.campaign_id ORDER BY b.place = 0, b.place) AS campaigns,
                array_agg(b.partner_id ORDER BY b.place = 0, b.place) AS partners,
                array_agg(b.cents ORDER BY b.place = 0, b.place) AS cents
            FROM stored AS b
            WHERE b.is_book AND b.cents > 0
            GROUP BY b.event_id, b.rule_id, b.currency, b.occurred_at
        ) AS s
        CROSS JOIN LATERAL (
            SELECT coalesce(i.transaction_id, i.id::text) AS transaction_id
            FROM attribution.attribution_events AS i
            WHERE i.tenant_id = p_tenant AND i.id = s.event_id
            OFFSET 0
        ) AS e
        LEFT JOIN LATERAL attribution.usd_rate(s.currency, s.occurred_at) AS r ON true
        CROSS JOIN LATERAL unnest(s.ids, s.channels, s.campaigns, s.partners, s.cents, CASE s.currency
            WHEN 'USD' THEN s.cents
            ELSE attribution.divide_cents(attribution.to_usd_cents(
                s.total, (SELECT c.minor_unit FROM attribution.currencies AS c WHERE c.code = s.currency), r.rate
            ), s.cents::numeric[])
        END) AS a (allocation_id, channel_code, campaign_id, partner_id, cents, usd_cents)
    ),
    headed AS (
        INSERT INTO attribution.ledger_batches (
            tenant_id, id, kind, cause_event_id, rule_id, posted_at, reason, entry_count, line_ids, line_hashes, entries_hash
        )
        SELECT
            p_tenant, v_batch, 'attribution', b.cause_event_id, b.rule_id, v_now, b.reason, b.entry_count, b.line_ids,
            b.line_hashes, attribution.batch_hash(ROW(
                p_tenant, v_batch, 'attribution', b.cause_event_id, b.rule_id, v_now, session_user, b.reason, b.entry_count,
                b.line_ids, b.line_hashes, NULL
            )::attribution.ledger_batches)
        FROM (
            SELECT
                CASE WHEN count(DISTINCT l.event_id) = 1 THEN (array_agg(l.event_id))[1] END AS cause_event_id,
                CASE WHEN count(DISTINCT l.rule_id) = 1 THEN (array_agg(l.rule_id))[1] END AS rule_id,
                'revenue credited, conversions: ' || count(DISTINCT l.event_id) AS reason,
                count(*)::int AS entry_count,
                array_agg(l.id ORDER BY l.id) AS line_ids,
                array_agg(attribution.ledger_line_hash(ROW(
                    p_tenant, l.id, v_batch, l.transaction_id, l.event_id, l.allocation_id, 'attribution', 'revenue', 'captured',
                    NULL, l.channel_code, l.campaign_id, l.partner_id, l.cents, l.currency, l.usd_cents, l.rate, l.rate_at, NULL,
                    0, NULL, NULL, l.occurred_at, v_now
                )::attribution.revenue_ledger) ORDER BY l.id) AS line_hashes
            FROM lines AS l
            HAVING count(*) > 0
        ) AS b
    ),
    posted AS (
        INSERT INTO attribution.revenue_ledger (
            tenant_id, id, batch_id, transaction_id, event_id, allocation_id, entry_type, account, state, channel_code,
            campaign_id, partner_id, amount_cents, currency, amount_usd_cents, fx_rate_used, fx_conversion_timestamp,
            occurred_at, posted_at
        )
        SELECT
            p_tenant, l.id, v_batch, l.transaction_id, l.event_id, l.allocation_id, 'attribution', 'revenue', 'captured',
            l.channel_code, l.campaign_id, l.partner_id, l.cents, l.currency, l.usd_cents, l.rate, l.rate_at, l.occurred_at, v_now
        FROM lines AS l
    ),
    noted AS (
        INSERT INTO attribution.unfolded_changes (tenant_id, allocation_ids, batch_ids)
        SELECT p_tenant, array_agg(s.id), CASE WHEN EXISTS (SELECT FROM lines) THEN ARRAY[v_batch] ELSE '{}' END
        FROM stored AS s
        HAVING count(*) > 0
    )
    SELECT
        coalesce(array_agg(DISTINCT s.event_id), '{}'),
        coalesce(array_agg(DISTINCT s.event_id) FILTER (WHERE s.is_book), '{}')
    INTO credited, booked
    FROM stored AS s;
END
$$;

ALTER FUNCTION attribution.book_conversions(uuid, uuid[]) OWNER TO attribution_owner;

COMMENT ON FUNCTION attribution.book_conversions(uuid, uuid[]) IS
'Divides and posts conversions for which nothing was computed before; returns those credited, and those with a book rule.';

REVOKE ALL ON FUNCTION attribution.book_conversions(uuid, uuid[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.book_conversions(uuid, uuid[]) TO attribution_engine;
