-- channel_totals(p_tenant, p_from, p_to): what each channel earns under each active rule, straight from the facts.
--
-- p_from, p_to  conversions with p_from <= occurred_at < p_to
-- Returns       by rule, channel and currency the sums of compute_allocations(): revenue to the cent; conversions, the sum of the
--               shares, to four decimals. Stores nothing; what was divided by hand is divided by rule here
-- Reads         attribution_events, attribution_rules, with the caller's rights
--
-- Sums do not need every touch's row. A rule is plain when it applies to all conversions, takes every touch of its lookback window up
-- to the conversion, and weighs a touch by its place (place_weights()) or its age (time_decay) alone. The journeys of all plain rules
-- are read at once, and divided in machine numbers:
--   by place  in whole numbers, exactly: place_cents()
--   by age    in floating point. What compute_allocations() makes of a value differs by less than 5e-14 of it (weights are rounded at
--             15 digits there, sums of up to 100 weights here). Nearer than that to a whole number, or two fractions to each other,
--             nobody knows who gets the cent: the conversion is in doubt
-- What is in doubt (so are journeys of more than 100 touches, values from 2^36, and under time_decay journeys with a touch of unknown
-- time) and what is not plain goes through journey_credits(), as compute_allocations() does: slower, and the same for every rule.
--
-- The planner takes a tenant for a twentieth of the table. One that is most of it is better hashed than looked up or sorted, and
-- compiling the statement takes longer than it saves: that is what the settings say.

CREATE OR REPLACE FUNCTION attribution.channel_totals(
    p_tenant uuid,
    p_from timestamptz DEFAULT '-infinity',
    p_to timestamptz DEFAULT 'infinity'
)
RETURNS TABLE (
    rule_id uuid,
    rule_name text,
    model_version text,
    channel_code text,
    currency text,
    conversions numeric,
    revenue_cents numeric
)
LANGUAGE plpgsql
STABLE
SET jit = off
SET work_mem = '128MB'
SET enable_sort = off
SET enable_nestloop = on
AS $$
DECLARE
    v_conversions uuid[];
BEGIN
    v_conversions := ARRAY(
        SELECT e.id
        FROM attribution.attribution_events AS e
        WHERE e.tenant_id = p_tenant AND e.event_kind = 'conversion' AND e.occurred_at >= p_from AND e.occurred_at < p_to
    );
    IF cardinality(v_conversions) > 10000 THEN
        PERFORM set_config('enable_nestloop', 'off', true);
    END IF;

    RETURN QUERY
    WITH active AS MATERIALIZED (
        SELECT p.* FROM attribution.plain_rules(p_tenant) AS p
    ),
    rules AS (
        SELECT a.* FROM active AS a WHERE a.is_plain
    ),
    windows AS MATERIALIZED (
        SELECT DISTINCT r.lookback FROM rules AS r
    ),
    journeys AS MATERIALIZED (
        SELECT
            c.id, c.value, c.currency, l.lookback, x.channel_code,
            row_number() OVER journey AS "position",
            count(*) OVER journey AS touches,
            date_part('epoch', max(x.occurred_at) OVER journey - x.occurred_at) AS seconds_before_last,
            bool_and(x.occurred_at_known) OVER journey AS has_times
        FROM (
            SELECT e.id, e.session_id, e.occurred_at, e.conversion_value_cents AS value, e.currency
            FROM attribution.attribution_events AS e
            WHERE e.tenant_id = p_tenant AND e.event_kind = 'conversion' AND e.occurred_at >= p_from AND e.occurred_at < p_to
        ) AS c
        CROSS JOIN windows AS l
        JOIN attribution.attribution_events AS x
            ON x.tenant_id = p_tenant AND x.session_id = c.session_id AND x.event_kind = 'touch' AND x.occurred_at <= c.occurred_at
            AND x.occurred_at >= (c.occurred_at AT TIME ZONE 'UTC' - l.lookback) AT TIME ZONE 'UTC'
        WINDOW journey AS (
            PARTITION BY c.id, l.lookback ORDER BY x.occurred_at, x.id ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
        )
    ),
    by_place AS (
        SELECT
            t.rule_id, t.channel_code, t.currency, t.doubtful_id, sum(t.weight / t.total::double precision) AS conversions,
            sum(attribution.place_cents(t.value, t."position", t.touches, t.first, t.middle, t.last, t.total)) AS cents
        FROM (
            SELECT
                r.rule_id, j.channel_code, j.currency, j.value, j."position", j.touches, w.*,
                w.first + w.middle * greatest(j.touches - 2, 0) + w.last AS total,
                CASE WHEN j."position" = 1 THEN w.first WHEN j."position" = j.touches THEN w.last ELSE w.middle END AS weight,
                CASE WHEN j.value >= 68719476736 OR j.touches > 100 THEN j.id END AS doubtful_id
            FROM rules AS r
            JOIN journeys AS j ON j.lookback = r.lookback
            CROSS JOIN LATERAL (
                SELECT r.firsts[j.touches] AS first, r.middles[j.touches] AS middle, r.lasts[j.touches] AS last
            ) AS w
            WHERE NOT r.is_by_age AND CASE
                WHEN j.touches > 100 THEN j."position" = 1
                WHEN j."position" = 1 THEN w.first > 0
                WHEN j."position" = j.touches THEN w.last > 0
                ELSE w.middle > 0
            END
            OFFSET 0
        ) AS t
        GROUP BY t.rule_id, t.channel_code, t.currency, t.doubtful_id
    ),
    weighed AS (
        SELECT
            r.rule_id, j.id, j.channel_code, j.currency, j.value::double precision AS value, j."position", j.touches,
            attribution.decay_factor(j.seconds_before_last, r.half_life_seconds) AS weight,
            j.value >= 68719476736 OR j.touches > 100 OR NOT j.has_times AS is_doubtful
        FROM rules AS r
        JOIN journeys AS j ON j.lookback = r.lookback
        WHERE r.is_by_age
        OFFSET 0
    ),
    ranked AS (
        SELECT
            s.*,
            s.value - sum(s.floored) OVER by_fraction AS left_over,
            row_number() OVER by_fraction AS turn,
            s.is_doubtful
            OR (s.touches > 1 AND (s.fraction > 1 - s.error OR (s.floored > 0 AND s.fraction < s.error)))
            OR (s.fraction >= s.error AND s.fraction - lead(s.fraction) OVER by_fraction < s.error
                AND s.weight <> lead(s.weight) OVER by_fraction) AS is_near
        FROM (
            SELECT h.*, floor(h.part * h.value) AS floored, h.part * h.value - floor(h.part * h.value) AS fraction, h.value * 5e-14 AS error
            FROM (
                SELECT w.*, w.weight / sum(w.weight) OVER (PARTITION BY w.rule_id, w.id) AS part FROM weighed AS w
            ) AS h
        ) AS s
        WINDOW by_fraction AS (
            PARTITION BY s.rule_id, s.id ORDER BY s.fraction DESC, s."position"
            ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
        )
    ),
    by_age AS (
        SELECT
            t.rule_id, t.channel_code, t.currency, t.doubtful_id, sum(t.part) AS conversions,
            sum(t.floored + CASE WHEN t.turn <= t.left_over THEN 1 ELSE 0 END)::bigint AS cents
        FROM (
            SELECT k.*, CASE WHEN bool_or(k.is_near) OVER (PARTITION BY k.rule_id, k.id) THEN k.id END AS doubtful_id
            FROM ranked AS k
        ) AS t
        GROUP BY t.rule_id, t.channel_code, t.currency, t.doubtful_id
    ),
    quick AS MATERIALIZED (
        SELECT b.* FROM by_place AS b
        UNION ALL
        SELECT a.* FROM by_age AS a
    ),
    shares AS (
        SELECT q.rule_id, q.channel_code, q.currency, q.conversions::numeric, q.cents::numeric
        FROM quick AS q
        WHERE q.doubtful_id IS NULL
        UNION ALL
        SELECT c.rule_id, c.channel_code, c.currency, c.ratio, c.cents
        FROM (
            SELECT q.rule_id, array_agg(DISTINCT q.doubtful_id) AS event_ids
            FROM quick AS q
            WHERE q.doubtful_id IS NOT NULL
            GROUP BY q.rule_id
            UNION ALL
            SELECT a.rule_id, v_conversions FROM active AS a WHERE NOT a.is_plain
        ) AS d
        CROSS JOIN LATERAL attribution.journey_credits(p_tenant, d.event_ids, NULL, true) AS c
        WHERE c.rule_id = d.rule_id
        UNION ALL
        -- Conversions without a touch in the window: all of them, less those that have a first.
        SELECT r.rule_id, 'unattributed', n.currency, sum(n.conversions), sum(n.cents)
        FROM rules AS r
        JOIN (
            SELECT l.lookback, e.currency, count(*) AS conversions, sum(e.conversion_value_cents) AS cents
            FROM attribution.attribution_events AS e
            CROSS JOIN windows AS l
            WHERE e.tenant_id = p_tenant AND e.event_kind = 'conversion' AND e.occurred_at >= p_from AND e.occurred_at < p_to
            GROUP BY l.lookback, e.currency
            UNION ALL
            SELECT j.lookback, j.currency, -count(*), -sum(j.value)
            FROM journeys AS j
            WHERE j."position" = 1
            GROUP BY j.lookback, j.currency
        ) AS n ON n.lookback = r.lookback
        GROUP BY r.rule_id, n.currency
        HAVING sum(n.conversions) > 0
    ),
    sums AS MATERIALIZED (
        SELECT s.rule_id, s.channel_code, s.currency, round(sum(s.conversions), 4) AS conversions, sum(s.cents) AS cents
        FROM shares AS s
        GROUP BY s.rule_id, s.channel_code, s.currency
    )
    SELECT s.rule_id, r.name, r.model_type || '/' || r.version, s.channel_code, s.currency, s.conversions, s.cents
    FROM sums AS s
    JOIN attribution.attribution_rules AS r ON r.tenant_id = p_tenant AND r.id = s.rule_id;
END
$$;

ALTER FUNCTION attribution.channel_totals(uuid, timestamptz, timestamptz) OWNER TO attribution_owner;

COMMENT ON FUNCTION attribution.channel_totals(uuid, timestamptz, timestamptz) IS
'What each channel earns under each active rule, straight from the facts: the sums of compute_allocations() over the conversions of a period, to the cent. Stores nothing.';

REVOKE ALL ON FUNCTION attribution.channel_totals(uuid, timestamptz, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.channel_totals(uuid, timestamptz, timestamptz)
TO attribution_engine, attribution_app, attribution_reader, attribution_admin;
