-- compute_allocations(p_tenant, p_event_ids, p_preview): what the facts and the active rules say each touch has earned.
--
-- p_event_ids conversions
-- p_preview   see journeys()
-- Returns     rows as attribution_allocations stores them; for each conversion and rule the cents sum to its value, but
--             under allow_double_counting. Touches without a share are left out, in a preview they are shown. A rule whose
--             custom function fails has no rows.
-- Reads       see journeys()
--
-- journey_credits() divides: by largest remainder, exactly.

CREATE OR REPLACE FUNCTION attribution.compute_allocations(p_tenant uuid, p_event_ids uuid[], p_preview jsonb DEFAULT NULL)
RETURNS TABLE (
    event_id uuid,
    rule_id uuid,
    model_version text,
    is_book boolean,
    touch_id uuid,
    "position" int,
    channel_code text,
    campaign_id text,
    partner_id text,
    weight numeric,
    allocation_ratio numeric,
    allocated_revenue_cents bigint,
    currency text,
    occurred_at timestamptz,
    reason text
)
LANGUAGE sql
STABLE
PARALLEL SAFE
AS $$
    SELECT
        c.event_id, c.rule_id, c.model_type || '/' || c.rule_version, c.is_book, c.touch_id, c."position", c.channel_code,
        c.campaign_id, c.partner_id, c.weight, c.ratio, c.cents, c.currency, c.occurred_at,
        attribution.describe_share(c.model_type, c."position", c.touches, c.ratio)
    FROM attribution.journey_credits(p_tenant, p_event_ids, p_preview, true) AS c
$$;

ALTER FUNCTION attribution.compute_allocations(uuid, uuid[], jsonb) OWNER TO attribution_owner;

COMMENT ON FUNCTION attribution.compute_allocations(uuid, uuid[], jsonb) IS
'What the facts and the active rules say each touch of the given conversions has earned: rows for attribution_allocations, exact to the cent.';

REVOKE ALL ON FUNCTION attribution.compute_allocations(uuid, uuid[], jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.compute_allocations(uuid, uuid[], jsonb)
TO attribution_engine, attribution_app, attribution_reader, attribution_admin;
