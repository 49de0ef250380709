-- compute_allocations(p_tenant, p_event_ids): what the facts and the active rules say each touch has earned.
--
-- p_event_ids conversions
-- Returns     rows as attribution_allocations stores them; for each conversion and rule the cents sum to its value
-- Reads       see journeys()
--
-- Cents are divided by largest remainder: each exact share is floored, and the cents left over go to the largest
-- fractions, ties to the earliest position. Shares are rounded at 20 decimals before that, so that fractions which are
-- equal in truth are equal here, whatever the last digit of a division was.
-- Where no touch has weight, one row gives everything to unattributed.

CREATE OR REPLACE FUNCTION attribution.compute_allocations(p_tenant uuid, p_event_ids uuid[])
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
    WITH weighed AS (
        SELECT
            j.*,
            CASE WHEN j.touch_id IS NULL THEN 0 ELSE attribution.touch_weight(
                j.model_type, j."position", j.touches, j.channel_code, j.non_direct_position, j.non_direct_touches,
                j.seconds_before_last, j.half_life_seconds, j.first_share, j.last_share, j.two_touch
            ) END AS weight
        FROM attribution.journeys(p_tenant, p_event_ids) AS j
    ),
    totalled AS (
        SELECT w.*, sum(w.weight) OVER (PARTITION BY w.event_id, w.rule_id) AS total
        FROM weighed AS w
    ),
    shared AS (
        SELECT
            t.event_id, t.rule_id, t.model_type, t.rule_version, t.is_book, t.touches, t.value_cents, t.currency, t.occurred_at,
            CASE WHEN t.total > 0 THEN t.touch_id END AS touch_id,
            CASE WHEN t.total > 0 THEN t."position" ELSE 0 END AS "position",
            CASE WHEN t.total > 0 THEN t.channel_code ELSE 'unattributed' END AS channel_code,
            CASE WHEN t.total > 0 THEN t.campaign_id END AS campaign_id,
            CASE WHEN t.total > 0 THEN t.partner_id END AS partner_id,
            CASE WHEN t.total > 0 THEN round(round(t.weight, 40) / t.total, 12) ELSE 1 END AS allocation_ratio,
            CASE WHEN t.total > 0 THEN round(round(t.value_cents * t.weight, 40) / t.total, 20) ELSE t.value_cents END AS share
        FROM totalled AS t
        WHERE t.weight > 0 OR (t.total = 0 AND t."position" = 1)
    ),
    ranked AS (
        SELECT
            s.*,
            s.value_cents - sum(floor(s.share)) OVER (PARTITION BY s.event_id, s.rule_id) AS left_over,
            row_number() OVER (
                PARTITION BY s.event_id, s.rule_id ORDER BY s.share - floor(s.share) DESC, s."position"
            ) AS turn
        FROM shared AS s
    )
    SELECT
        r.event_id, r.rule_id, r.model_type || '/' || r.rule_version, r.is_book, r.touch_id, r."position", r.channel_code,
        r.campaign_id, r.partner_id, r.allocation_ratio,
        (floor(r.share) + CASE WHEN r.turn <= r.left_over THEN 1 ELSE 0 END)::bigint,
        r.currency, r.occurred_at,
        attribution.describe_share(r.model_type, r."position", r.touches, r.allocation_ratio)
    FROM ranked AS r
$$;

ALTER FUNCTION attribution.compute_allocations(uuid, uuid[]) OWNER TO attribution_owner;

COMMENT ON FUNCTION attribution.compute_allocations(uuid, uuid[]) IS
'What the facts and the active rules say each touch of the given conversions has earned: rows for attribution_allocations, exact to the cent.';

REVOKE ALL ON FUNCTION attribution.compute_allocations(uuid, uuid[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.compute_allocations(uuid, uuid[])
TO attribution_engine, attribution_app, attribution_reader, attribution_admin;
