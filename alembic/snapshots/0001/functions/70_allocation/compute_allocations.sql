-- compute_allocations(p_tenant, p_event_ids, p_preview): what the facts and the active rules say each touch has earned.
--
-- p_event_ids conversions
-- p_preview   see journeys()
-- Returns     rows as attribution_allocations stores them; for each conversion and rule the cents sum to its value, but
--             under allow_double_counting. Touches without a share are left out, in a preview they are shown. A rule whose
--             custom function fails has no rows.
-- Reads       see journeys()
--
-- Cents are divided by largest remainder: each exact share is floored, and the cents left over go to the largest
-- fractions, ties to the earliest position. Shares are rounded at 20 decimals before that, so that fractions which are
-- equal in truth are equal here, whatever the last digit of a division was.
--
-- The whole that shares are taken of is the sum of the weights (must_sum_to_100, and models that divide a whole by
-- themselves), at least 1 (cap_at_100), or 1 (allow_double_counting). What no touch has earned of it is one row for
-- unattributed, at position 0.

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
    WITH weighed AS (
        SELECT
            j.*,
            CASE
                WHEN j.touch_id IS NULL OR j.is_rejected THEN 0
                WHEN j.is_uniform THEN 1
                ELSE attribution.touch_weight(
                    j.model_type, j."position", j.touches, j.channel_code, j.non_direct_position, j.non_direct_touches,
                    -- Where weights are shares as they are, age counts from the cutoff.
                    CASE j.constraint_mode WHEN 'must_sum_to_100' THEN j.seconds_before_last ELSE extract(epoch FROM j.age) END,
                    j.half_life_seconds, j.first_share, j.last_share, j.two_touch, j.lead_position,
                    j.opportunity_position, j.peers, (j.roles ->> j.partner_role)::numeric, j.own_weight, j.age,
                    j.weight_function, j.config
                )
            END AS raw_weight
        FROM attribution.journeys(p_tenant, p_event_ids, p_preview) AS j
    ),
    totalled AS (
        SELECT
            w.*,
            w.raw_weight AS weight,
            sum(w.raw_weight) OVER journey AS total,
            bool_or(w.raw_weight IS NULL) OVER journey AS is_failed
        FROM weighed AS w
        WINDOW journey AS (PARTITION BY w.event_id, w.rule_id)
    ),
    measured AS (
        SELECT
            t.*,
            CASE
                WHEN t.total = 0 THEN 0
                WHEN t.model_type IN ('position_based', 'j_shaped', 'inverse_j', 'w_shaped', 'full_path') THEN t.total
                WHEN t.constraint_mode = 'cap_at_100' THEN greatest(t.total, 1)
                WHEN t.constraint_mode = 'allow_double_counting' THEN 1
                ELSE greatest(t.total, t.all_roles)
            END AS whole
        FROM totalled AS t
        WHERE NOT t.is_failed
    ),
    entries AS (
        SELECT
            m.event_id, m.rule_id, m.model_type, m.rule_version, m.is_book, m.constraint_mode, m.touches, m.value_cents,
            m.currency, m.occurred_at, m.whole, m.touch_id, m."position", m.channel_code, m.campaign_id, m.partner_id, m.weight
        FROM measured AS m
        WHERE m.weight > 0 OR (p_preview ? 'conversion' AND m.touch_id IS NOT NULL)
        UNION ALL
        SELECT
            m.event_id, m.rule_id, m.model_type, m.rule_version, m.is_book, m.constraint_mode, m.touches, m.value_cents,
            m.currency, m.occurred_at, m.whole, NULL, 0, 'unattributed', NULL, NULL,
            CASE WHEN m.whole = 0 THEN 1 ELSE m.whole - m.total END
        FROM measured AS m
        WHERE m."position" = 1
            AND (m.whole = 0 OR (round(m.whole - m.total, 30) > 0 AND m.constraint_mode <> 'allow_double_counting'))
    ),
    shared AS (
        SELECT
            e.*,
            least(round(round(e.weight, 40) / w.whole, 12), 1) AS allocation_ratio,
            -- Nobody is credited more than the whole sale, however often it is counted.
            least(round(round(e.value_cents * e.weight, 40) / w.whole, 20), e.value_cents) AS share
        FROM entries AS e
        CROSS JOIN LATERAL (SELECT CASE WHEN e.whole > 0 THEN e.whole ELSE 1 END) AS w (whole)
    ),
    ranked AS (
        SELECT
            s.*,
            s.value_cents - sum(floor(s.share)) OVER (PARTITION BY s.event_id, s.rule_id) AS left_over,
            row_number() OVER (
                PARTITION BY s.event_id, s.rule_id
                ORDER BY s.share - floor(s.share) DESC, s."position" = 0, s."position"
            ) AS turn
        FROM shared AS s
    )
    SELECT
        r.event_id, r.rule_id, r.model_type || '/' || r.rule_version, r.is_book, r.touch_id, r."position", r.channel_code,
        r.campaign_id, r.partner_id, r.weight, r.allocation_ratio,
        CASE r.constraint_mode
            WHEN 'allow_double_counting' THEN round(r.share)
            ELSE floor(r.share) + CASE WHEN r.turn <= r.left_over THEN 1 ELSE 0 END
        END::bigint,
        r.currency, r.occurred_at,
        attribution.describe_share(r.model_type, r."position", r.touches, r.allocation_ratio)
    FROM ranked AS r
$$;

ALTER FUNCTION attribution.compute_allocations(uuid, uuid[], jsonb) OWNER TO attribution_owner;

COMMENT ON FUNCTION attribution.compute_allocations(uuid, uuid[], jsonb) IS
'What the facts and the active rules say each touch of the given conversions has earned: rows for attribution_allocations, exact to the cent.';

REVOKE ALL ON FUNCTION attribution.compute_allocations(uuid, uuid[], jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.compute_allocations(uuid, uuid[], jsonb)
TO attribution_engine, attribution_app, attribution_reader, attribution_admin;
