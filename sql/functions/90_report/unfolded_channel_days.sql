-- unfolded_channel_days(p_tenant, p_zone, p_all): what channel_days lacks.
--
-- p_zone   the zone in which a day begins and ends
-- p_all    true: nothing is folded; what all of channel_days would be
-- Returns  rows to add to channel_days, or below zero where credit went elsewhere
-- Reads    see unfolded_allocations()
-- PL/pgSQL: its plan is kept for the session, and costs of facts that are not read do not enter the view's.

CREATE OR REPLACE FUNCTION attribution.unfolded_channel_days(p_tenant uuid, p_zone text, p_all boolean)
RETURNS TABLE (
    day date,
    rule_id uuid,
    is_book boolean,
    currency text,
    channel_code text,
    campaign_id text,
    allocations bigint,
    conversions numeric,
    revenue_cents numeric
)
LANGUAGE plpgsql
STABLE
ROWS 100
SET jit = off
AS $$
BEGIN
    RETURN QUERY
    SELECT
        (a.occurred_at AT TIME ZONE p_zone)::date, a.rule_id, a.is_book, a.currency, a.channel_code, a.campaign_id,
        sum(a.sign), sum(a.sign * a.allocation_ratio), sum(a.sign::bigint * a.allocated_revenue_cents)
    FROM attribution.unfolded_allocations(p_tenant, p_all) AS a
    GROUP BY 1, a.rule_id, a.is_book, a.currency, a.channel_code, a.campaign_id;
END
$$;

ALTER FUNCTION attribution.unfolded_channel_days(uuid, text, boolean) OWNER TO attribution_owner;

COMMENT ON FUNCTION attribution.unfolded_channel_days(uuid, text, boolean) IS
'What is to be added to channel_days to have it say what the current allocations say; with p_all, all that they say.';

REVOKE ALL ON FUNCTION attribution.unfolded_channel_days(uuid, text, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.unfolded_channel_days(uuid, text, boolean)
TO attribution_engine, attribution_app, attribution_reader, attribution_admin;
