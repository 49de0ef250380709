-- journey_credits(p_tenant, p_event_ids, p_preview, p_divide): the journey of each conversion under each active rule that applies
-- to it, and what its touches have earned. journeys() and compute_allocations() are its two faces.
--
-- p_event_ids, p_preview  see journeys()
-- p_divide                false: the rows of journeys(). True: those of compute_allocations(), which are the touches that earn
--                         something (in a preview all), and at position 0 what no touch has earned
-- Returns                 the conversion, the rule and what models look at; where p_divide, weight, ratio and cents
-- Reads                   see journey_bounds()
--
-- All that happens to a journey happens beside it: one probe of the index, and windows over the touches that it finds. They are
-- narrow rows, next to which the conversion and the rule stand once; a step that has nothing to say of most rules asks the rule
-- first, not the touches. OFFSET 0 keeps a value from being computed again by each step that looks at it.
--
-- The whole that shares are taken of is the sum of the weights (must_sum_to_100, and models that divide a whole by themselves), at
-- least 1 (cap_at_100), or 1 (allow_double_counting).
--
-- Cents are divided by largest remainder: each exact share is floored, and the cents left over go to the largest fractions, ties to
-- the earliest position. Shares are rounded at 20 decimals before that, so that fractions which are equal in truth are equal here,
-- whatever the last digit of a division was.

CREATE OR REPLACE FUNCTION attribution.journey_credits(p_tenant uuid, p_event_ids uuid[], p_preview jsonb, p_divide boolean)
RETURNS TABLE (
    event_id uuid,
    occurred_at timestamptz,
    value_cents bigint,
    currency text,
    rule_id uuid,
    rule_version int,
    model_type text,
    constraint_mode text,
    is_book boolean,
    half_life_seconds double precision,
    first_share numeric,
    last_share numeric,
    two_touch text,
    roles jsonb,
    all_roles numeric,
    weight_function text,
    config jsonb,
    is_rejected boolean,
    is_uniform boolean,
    touch_id uuid,
    channel_code text,
    campaign_id text,
    partner_id text,
    partner_role text,
    own_weight double precision,
    age interval,
    "position" int,
    touches int,
    seconds_before_last double precision,
    non_direct_position int,
    non_direct_touches int,
    lead_position int,
    opportunity_position int,
    peers int,
    weight numeric,
    ratio numeric,
    cents bigint
)
LANGUAGE sql
STABLE
PARALLEL SAFE
AS $$
    SELECT
        b.event_id, b.occurred_at, b.value_cents, b.currency, b.rule_id, b.rule_version, b.model_type, b.constraint_mode, b.is_book,
        b.half_life_seconds, b.first_share, b.last_share, b.two_touch, b.roles, b.all_roles, b.weight_function, b.config,
        t.is_rejected, t.is_uniform, t.touch_id, t.channel_code, t.campaign_id, t.partner_id, t.partner_role, t.own_weight, t.age,
        t."position", t.touches, extract(epoch FROM t.last_at - t.touched_at)::double precision, t.non_direct_position,
        t.non_direct_touches, t.lead_position, t.opportunity_position, t.peers, t.weight, t.ratio,
        CASE b.constraint_mode
            WHEN 'allow_double_counting' THEN round(t.share)
            ELSE t.floored + CASE WHEN t.turn <= t.left_over THEN 1 ELSE 0 END
        END::bigint
    FROM attribution.journey_bounds(p_tenant, p_event_ids, p_preview) AS b
    CROSS JOIN LATERAL (
        SELECT
            d.*,
            b.value_cents - sum(d.floored) OVER by_fraction AS left_over,
            row_number() OVER by_fraction AS turn
        FROM (
            SELECT
                q.*,
                floor(q.share) AS floored
            FROM (
                SELECT
                    m.is_rejected, m.is_uniform, m.partner_role, m.own_weight, m.age, m.touches, m.last_at, m.touched_at,
                    m.non_direct_position, m.non_direct_touches, m.lead_position, m.opportunity_position, m.peers,
                    CASE WHEN NOT nobody.is_it THEN m.touch_id END AS touch_id,
                    CASE WHEN nobody.is_it THEN 0 ELSE m."position" END AS "position",
                    CASE WHEN nobody.is_it THEN 'unattributed' ELSE m.channel_code END AS channel_code,
                    CASE WHEN NOT nobody.is_it THEN m.campaign_id END AS campaign_id,
                    CASE WHEN NOT nobody.is_it THEN m.partner_id END AS partner_id,
                    w.weight,
                    least(round(round(w.weight, 40) / w.whole, 12), 1) AS ratio,
                    -- Nobody is credited more than the whole sale, however often it is counted.
                    least(round(round(b.value_cents * w.weight, 40) / w.whole, 20), b.value_cents) AS share
                FROM (
                    SELECT
                        w.*,
                        CASE
                            WHEN w.total = 0 THEN 0
                            WHEN b.model_type IN ('position_based', 'j_shaped', 'inverse_j', 'w_shaped', 'full_path') THEN w.total
                            WHEN b.constraint_mode = 'cap_at_100' THEN greatest(w.total, 1)
                            WHEN b.constraint_mode = 'allow_double_counting' THEN 1
                            ELSE greatest(w.total, b.all_roles)
                        END AS whole
                    FROM (
                        SELECT v.*, sum(v.weight) OVER () AS total, bool_or(v.weight IS NULL) OVER () AS is_failed
                        FROM (
                            SELECT
                                j.*,
                                CASE
                                    WHEN j.touch_id IS NULL OR j.is_rejected THEN 0
                                    WHEN j.is_uniform THEN 1
                                    ELSE attribution.touch_weight(
                                        b.model_type, j."position", j.touches, j.channel_code,
                                        -- Only the last counts, which is known without counting up to each.
                                        CASE WHEN j.is_last_non_direct THEN j.non_direct_touches ELSE 0 END, j.non_direct_touches,
                                        -- Where weights are shares as they are, age counts from the cutoff.
                                        CASE b.constraint_mode
                                            WHEN 'must_sum_to_100' THEN extract(epoch FROM j.last_at - j.touched_at)
                                            ELSE extract(epoch FROM j.age)
                                        END,
                                        b.half_life_seconds, b.first_share, b.last_share, b.two_touch, j.lead_position,
                                        j.opportunity_position, j.peers, (b.roles ->> j.partner_role)::numeric, j.own_weight, j.age,
                                        b.weight_function, b.config
                                    )
                                END AS weight
                            FROM (
                                SELECT
                                    e.id AS touch_id, e.channel_code, e.campaign_id, e.partner_id, e.partner_role, e.weight AS own_weight,
                                    e.occurred_at AS touched_at,
                                    CASE b.cutoff WHEN 'first_contact' THEN b.occurred_at ELSE b.until END - e.occurred_at AS age,
                                    (row_number() OVER whole)::int AS "position",
                                    (count(e.id) OVER whole)::int AS touches,
                                    max(e.occurred_at) OVER whole AS last_at,
                                    (count(e.id) FILTER (WHERE e.channel_code <> 'direct') OVER so_far)::int AS non_direct_position,
                                    (count(e.id) FILTER (WHERE e.channel_code <> 'direct') OVER whole)::int AS non_direct_touches,
                                    e.place = max(e.place) FILTER (WHERE e.channel_code <> 'direct') OVER whole AS is_last_non_direct,
                                    (count(e.id) FILTER (WHERE e.occurred_at <= b.lead_at) OVER whole)::int AS lead_position,
                                    (count(e.id) FILTER (WHERE e.occurred_at <= b.opportunity_at) OVER whole)::int AS opportunity_position,
                                    b.is_time_based AND b.missing_timestamp = 'reject'
                                    AND NOT bool_and(coalesce(e.occurred_at_known, true)) OVER whole AS is_rejected,
                                    b.is_time_based AND b.missing_timestamp = 'uniform'
                                    AND NOT bool_and(coalesce(e.occurred_at_known, true)) OVER whole AS is_uniform,
                                    (count(e.id) OVER (PARTITION BY e.peer))::int AS peers
                                FROM (
                                    SELECT
                                        f.*,
                                        row_number() OVER whole AS place,
                                        -- For the rules that take each channel once.
                                        array_agg(f.channel_code) FILTER (WHERE b.dedupe = 'channel') OVER whole AS channels,
                                        CASE b.model_type
                                            WHEN 'daily_linear' THEN (f.occurred_at AT TIME ZONE b.time_zone)::date::text
                                            WHEN 'role_based' THEN f.partner_role
                                        END AS peer
                                    FROM (VALUES (true)) AS always (is_there)
                                    LEFT JOIN (
                                        SELECT
                                            x.id, x.event_type, x.occurred_at, x.occurred_at_known, x.channel_code, x.campaign_id,
                                            x.partner_id, x.partner_role, x.weight
                                        FROM attribution.attribution_events AS x
                                        WHERE NOT coalesce(p_preview ? 'conversion', false) AND x.tenant_id = p_tenant
                                            AND x.session_id = b.session_id AND x.event_kind = 'touch'
                                            AND x.occurred_at <= b.until AND x.occurred_at > b.after AND x.occurred_at >= b.since
                                        UNION ALL
                                        SELECT
                                            y.key, y.event_type, y.occurred_at, y.occurred_at_known, y.channel, NULL, y.partner_id,
                                            y.role, y.weight
                                        FROM jsonb_to_recordset(p_preview -> 'touches') AS y (
                                            key uuid, event_type text, occurred_at timestamptz, occurred_at_known boolean,
                                            channel text, partner_id text, role text, weight double precision
                                        )
                                        WHERE p_preview ? 'conversion' AND y.occurred_at <= b.until AND y.occurred_at > b.after
                                            AND y.occurred_at >= b.since
                                    ) AS f ON CASE
                                            WHEN NOT b.has_windows OR b.cutoff = 'first_contact' THEN true
                                            ELSE f.occurred_at >= (b.until AT TIME ZONE 'UTC' - coalesce(
                                                (b.per_channel ->> f.channel_code)::interval,
                                                (b.per_event_type ->> f.event_type)::interval, b.lookback
                                            )) AT TIME ZONE 'UTC'
                                        END
                                        AND CASE
                                            WHEN NOT b.has_channels THEN true
                                            ELSE NOT b.exclude_channels ? f.channel_code
                                                AND coalesce(b.only_channels ? f.channel_code, true)
                                        END
                                        AND (f.occurred_at_known OR NOT b.is_time_based OR b.missing_timestamp <> 'exclude')
                                    WINDOW whole AS (
                                        ORDER BY f.occurred_at, f.id ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
                                    )
                                ) AS e
                                WHERE CASE b.dedupe WHEN 'channel' THEN array_position(e.channels, e.channel_code) = e.place ELSE true END
                                WINDOW
                                    so_far AS (ORDER BY e.occurred_at, e.id ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW),
                                    whole AS (ORDER BY e.occurred_at, e.id ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)
                            ) AS j
                            OFFSET 0
                        ) AS v
                    ) AS w
                    WHERE NOT p_divide OR NOT w.is_failed
                    OFFSET 0
                ) AS m
                CROSS JOIN (VALUES (false), (true)) AS nobody (is_it)
                CROSS JOIN LATERAL (
                    SELECT
                        CASE WHEN NOT nobody.is_it THEN m.weight WHEN m.whole = 0 THEN 1 ELSE m.whole - m.total END AS weight,
                        CASE WHEN m.whole > 0 THEN m.whole ELSE 1 END AS whole
                ) AS w
                WHERE CASE
                    WHEN NOT nobody.is_it THEN NOT p_divide OR m.weight > 0 OR (p_preview ? 'conversion' AND m.touch_id IS NOT NULL)
                    ELSE p_divide AND m."position" = 1
                        AND (m.whole = 0 OR (round(m.whole - m.total, 30) > 0 AND b.constraint_mode <> 'allow_double_counting'))
                END
                OFFSET 0
            ) AS q
        ) AS d
        WINDOW by_fraction AS (
            ORDER BY CASE WHEN p_divide THEN d.share - d.floored END DESC, d."position" = 0, d."position"
            ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
        )
    ) AS t
$$;

ALTER FUNCTION attribution.journey_credits(uuid, uuid[], jsonb, boolean) OWNER TO attribution_owner;

COMMENT ON FUNCTION attribution.journey_credits(uuid, uuid[], jsonb, boolean) IS
'The journey of each conversion under each active rule that applies, and what its touches have earned: what journeys() and compute_allocations() show.';

REVOKE ALL ON FUNCTION attribution.journey_credits(uuid, uuid[], jsonb, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.journey_credits(uuid, uuid[], jsonb, boolean)
TO attribution_engine, attribution_app, attribution_reader, attribution_admin;
