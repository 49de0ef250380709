-- due_allocations(p_tenant, p_event_ids): what each touch has earned, with the divisions made by hand in their place.
--
-- p_event_ids conversions
-- Returns     compute_allocations(), where the shares of an overridden transaction's book rule are those of the override
-- Reads       allocation_overrides; see compute_allocations()

CREATE OR REPLACE FUNCTION attribution.due_allocations(p_tenant uuid, p_event_ids uuid[])
RETURNS TABLE (
    event_id uuid,
    rule_id uuid,
    model_version text,
    is_book boolean,
    override_id uuid,
    touch_id uuid,
    "position" int,
    channel_code text,
    campaign_id text,
    partner_id text,
    allocation_ratio numeric,
    allocated_revenue_cents bigint,
    currency text,
    occurred_at timestamptz,
    reason text
)
LANGUAGE sql
STABLE
AS $$
    WITH computed AS MATERIALIZED (
        SELECT c.*, o.id AS override_id, o.sequence, o.shares, o.override_by, o.reason AS override_reason
        FROM attribution.compute_allocations(p_tenant, p_event_ids) AS c
        LEFT JOIN LATERAL (
            SELECT i.id, i.sequence, i.shares, i.override_by, i.reason
            FROM attribution.attribution_events AS e
            JOIN attribution.allocation_overrides AS i
                ON i.tenant_id = p_tenant AND i.transaction_id = coalesce(e.transaction_id, e.id::text)
            WHERE e.tenant_id = p_tenant AND e.id = c.event_id AND c.is_book
                AND EXISTS (SELECT FROM attribution.allocation_overrides AS any_one WHERE any_one.tenant_id = p_tenant)
            ORDER BY i.sequence DESC
            LIMIT 1
        ) AS o ON true
    )
    SELECT
        c.event_id, c.rule_id, c.model_version, c.is_book, NULL::uuid, c.touch_id, c."position", c.channel_code, c.campaign_id,
        c.partner_id, c.allocation_ratio, c.allocated_revenue_cents, c.currency, c.occurred_at, c.reason
    FROM computed AS c
    WHERE c.shares IS NULL
    UNION ALL
    SELECT
        b.event_id, b.rule_id, 'override/' || b.sequence, true, b.override_id, NULL, s.place::int, s.share ->> 'channel',
        s.share ->> 'campaign_id', s.share ->> 'partner_id', round((s.share ->> 'percent')::numeric / 100, 12), s.cents,
        b.currency, b.occurred_at, format('%s%% by hand: %s, %s', s.share ->> 'percent', b.override_by, b.override_reason)
    FROM (
        SELECT
            c.event_id, c.rule_id, c.sequence, c.override_id, c.currency, c.occurred_at, c.shares, c.override_by,
            c.override_reason, sum(c.allocated_revenue_cents) AS cents
        FROM computed AS c
        WHERE c.shares IS NOT NULL
        GROUP BY
            c.event_id, c.rule_id, c.sequence, c.override_id, c.currency, c.occurred_at, c.shares, c.override_by,
            c.override_reason
    ) AS b
    CROSS JOIN LATERAL ROWS FROM (
        jsonb_array_elements(b.shares),
        unnest(attribution.divide_cents(b.cents, ARRAY(
            SELECT (e.share ->> 'percent')::numeric FROM jsonb_array_elements(b.shares) WITH ORDINALITY AS e (share, place)
            ORDER BY e.place
        )))
    ) WITH ORDINALITY AS s (share, cents, place)
$$;

ALTER FUNCTION attribution.due_allocations(uuid, uuid[]) OWNER TO attribution_owner;

COMMENT ON FUNCTION attribution.due_allocations(uuid, uuid[]) IS
'What each touch of the given conversions has earned, with the divisions made by hand in place of the book rule''s.';

REVOKE ALL ON FUNCTION attribution.due_allocations(uuid, uuid[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.due_allocations(uuid, uuid[])
TO attribution_engine, attribution_app, attribution_reader, attribution_admin;
