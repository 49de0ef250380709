-- journeys(p_tenant, p_event_ids, p_preview): the journey of each conversion under each active rule that applies to it.
--
-- p_event_ids conversions; other events are ignored
-- p_preview   null for the tenant's own rules. Else one rule that takes their place: model, config, constraint_mode,
--             applies_to; and, with the keys conversion and touches, a made-up journey in place of the stored events
-- Returns     one row per conversion, rule and touch in the journey, with what models look at; a conversion without a
--             touch under a rule has one row whose touch_id is null
-- Reads       attribution_events, attribution_rules
--
-- A touch counts when it lies in the conversion's session and in [cutoff - lookback, cutoff], to the microsecond. The
-- window is subtracted in UTC: a day is 24 hours, whatever the session's time zone. A new journey option goes here; a new
-- fact for a model is a new column over one of the windows.
--
-- OFFSET 0 keeps each look-up what it is, one probe of an index per conversion, whatever the planner believes of the
-- tables' sizes; store_allocations() and post_allocations() do the same.

CREATE OR REPLACE FUNCTION attribution.journeys(p_tenant uuid, p_event_ids uuid[], p_preview jsonb DEFAULT NULL)
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
    peers int
)
LANGUAGE sql
STABLE
PARALLEL SAFE
AS $$
    WITH rules AS MATERIALIZED (
        SELECT
            r.id, r.version, r.model_type, r.constraint_mode, r.applies_to, r.is_book, r.priority, r.created_at, o.*,
            r.model_type IN ('time_decay', 'daily_linear') AS is_time_based,
            o.cutoff IN ('first_booked', 'first_attended', 'first_paid') OR o.on_repeat = 'reset'
            OR r.model_type IN ('w_shaped', 'full_path') AS looks_at_milestones,
            z.time_zone
        FROM (
            SELECT s.id, s.version, s.model_type, s.constraint_mode, s.config, s.applies_to, s.is_book, s.priority, s.created_at
            FROM attribution.attribution_rules AS s
            WHERE p_preview IS NULL AND s.tenant_id = p_tenant AND s.status = 'active'
            UNION ALL
            SELECT
                '00000000-0000-0000-0000-000000000000', 1, p_preview ->> 'model', p_preview ->> 'constraint_mode',
                p_preview -> 'config', coalesce(p_preview -> 'applies_to', '{}'), true, 0, now()
            WHERE p_preview IS NOT NULL
        ) AS r
        CROSS JOIN LATERAL attribution.rule_options(r.model_type, r.config) AS o
        CROSS JOIN LATERAL (
            SELECT coalesce(
                p_preview ->> 'time_zone', (SELECT t.time_zone FROM attribution.tenants AS t WHERE t.id = p_tenant), 'UTC'
            ) AS time_zone
        ) AS z
    ),
    conversions AS (
        SELECT
            c.id, c.session_id, c.event_type, c.occurred_at, c.conversion_value_cents AS value_cents, c.currency,
            c.campaign_id, c.partner_id
        FROM unnest(p_event_ids) AS k (id)
        CROSS JOIN LATERAL (
            SELECT e.*
            FROM attribution.attribution_events AS e
            WHERE e.tenant_id = p_tenant AND e.id = k.id AND e.event_kind = 'conversion'
            OFFSET 0
        ) AS c
        WHERE NOT coalesce(p_preview ? 'conversion', false)
        UNION ALL
        SELECT
            '00000000-0000-0000-0000-000000000000', NULL, NULL, p.occurred_at, p.value_cents, p.currency, NULL, NULL
        FROM jsonb_to_record(p_preview -> 'conversion') AS p (occurred_at timestamptz, value_cents bigint, currency text)
        WHERE p_preview ? 'conversion'
    ),
    scope AS (
        SELECT
            c.id AS event_id, c.session_id, c.occurred_at, c.value_cents, c.currency, r.id AS rule_id, r.version, r.model_type,
            r.constraint_mode, r.lookback, r.lookbacks, r.per_channel, r.per_event_type, r.cutoff, r.on_repeat,
            r.exclude_channels, r.only_channels, r.missing_timestamp, r.dedupe, r.half_life_seconds, r.first_share,
            r.last_share, r.two_touch, r.roles, r.all_roles, r.weight_function, r.config, r.is_time_based,
            r.looks_at_milestones, r.time_zone,
            r.is_book AND row_number() OVER (
                PARTITION BY c.id ORDER BY r.is_book DESC, r.priority, r.created_at, r.id
            ) = 1 AS is_book
        FROM conversions AS c
        JOIN rules AS r
            ON attribution.rule_applies(r.applies_to, c.event_type, c.campaign_id, c.partner_id, c.currency, c.value_cents)
    ),
    bounded AS (
        SELECT
            s.*, m.lead_at, m.opportunity_at,
            CASE s.cutoff
                WHEN 'first_contact' THEN 'infinity'
                WHEN 'first_booked' THEN least(s.occurred_at, m.booked_at)
                WHEN 'first_attended' THEN least(s.occurred_at, m.attended_at)
                WHEN 'first_paid' THEN least(s.occurred_at, m.paid_at)
                ELSE s.occurred_at
            END AS until,
            CASE s.on_repeat WHEN 'reset' THEN coalesce(m.previous_at, '-infinity') ELSE '-infinity' END AS after
        FROM scope AS s
        LEFT JOIN LATERAL (
            SELECT
                min(e.occurred_at) FILTER (WHERE e.event_type = 'lead_created') AS lead_at,
                min(e.occurred_at) FILTER (WHERE e.event_type = 'opportunity_created') AS opportunity_at,
                min(e.occurred_at) FILTER (WHERE e.event_type = 'appointment_booked') AS booked_at,
                min(e.occurred_at) FILTER (WHERE e.event_type = 'appointment_attended') AS attended_at,
                min(e.occurred_at) FILTER (WHERE e.event_kind = 'conversion') AS paid_at,
                max(e.occurred_at) FILTER (
                    WHERE e.event_kind = 'conversion' AND (e.occurred_at, e.id) < (s.occurred_at, s.event_id)
                ) AS previous_at
            FROM (
                SELECT x.id, x.event_type, x.event_kind, x.occurred_at
                FROM attribution.attribution_events AS x
                WHERE NOT coalesce(p_preview ? 'conversion', false) AND x.tenant_id = p_tenant
                    AND x.session_id = s.session_id AND x.event_kind IN ('milestone', 'conversion') AND x.occurred_at <= s.occurred_at
                UNION ALL
                SELECT NULL, y.key, CASE y.key WHEN 'first_paid' THEN 'conversion' ELSE 'milestone' END, y.value::timestamptz
                FROM jsonb_each_text(p_preview -> 'conversion' -> 'milestones') AS y
                WHERE p_preview ? 'conversion' AND y.value::timestamptz <= s.occurred_at
                OFFSET 0
            ) AS e
        ) AS m ON s.looks_at_milestones
    )
    SELECT
        s.event_id, s.occurred_at, s.value_cents, s.currency, s.rule_id, s.version, s.model_type, s.constraint_mode, s.is_book,
        s.half_life_seconds, s.first_share, s.last_share, s.two_touch, s.roles, s.all_roles, s.weight_function, s.config,
        s.is_time_based AND s.missing_timestamp = 'reject' AND NOT bool_and(coalesce(t.occurred_at_known, true)) OVER whole,
        s.is_time_based AND s.missing_timestamp = 'uniform' AND NOT bool_and(coalesce(t.occurred_at_known, true)) OVER whole,
        t.id, t.channel_code, t.campaign_id, t.partner_id, t.partner_role, t.weight,
        CASE s.cutoff WHEN 'first_contact' THEN s.occurred_at ELSE s.until END - t.occurred_at,
        (row_number() OVER so_far)::int,
        (count(t.id) OVER whole)::int,
        extract(epoch FROM max(t.occurred_at) OVER whole - t.occurred_at)::double precision,
        (count(t.id) FILTER (WHERE t.channel_code <> 'direct') OVER so_far)::int,
        (count(t.id) FILTER (WHERE t.channel_code <> 'direct') OVER whole)::int,
        (count(t.id) FILTER (WHERE t.occurred_at <= s.lead_at) OVER whole)::int,
        (count(t.id) FILTER (WHERE t.occurred_at <= s.opportunity_at) OVER whole)::int,
        (count(t.id) OVER (PARTITION BY s.event_id, s.rule_id, CASE s.model_type
            WHEN 'daily_linear' THEN (t.occurred_at AT TIME ZONE s.time_zone)::date::text
            WHEN 'role_based' THEN t.partner_role
        END))::int
    FROM bounded AS s
    LEFT JOIN LATERAL (
        SELECT
            e.*,
            CASE s.dedupe WHEN 'channel' THEN row_number() OVER (PARTITION BY e.channel_code ORDER BY e.occurred_at, e.id) END AS turn
        FROM (
            SELECT
                x.id, x.event_type, x.occurred_at, x.occurred_at_known, x.channel_code, x.campaign_id, x.partner_id,
                x.partner_role, x.weight
            FROM attribution.attribution_events AS x
            WHERE NOT coalesce(p_preview ? 'conversion', false) AND x.tenant_id = p_tenant
                AND x.session_id = s.session_id AND x.event_kind = 'touch'
                AND x.occurred_at <= s.until AND x.occurred_at > s.after
                AND (s.cutoff = 'first_contact' OR x.occurred_at >= (
                    SELECT min((s.until AT TIME ZONE 'UTC' - v.lookback) AT TIME ZONE 'UTC') FROM unnest(s.lookbacks) AS v (lookback)
                ))
            UNION ALL
            SELECT
                y.key, y.event_type, y.occurred_at, y.occurred_at_known, y.channel, NULL, y.partner_id, y.role, y.weight
            FROM jsonb_to_recordset(p_preview -> 'touches') AS y (
                key uuid, event_type text, occurred_at timestamptz, occurred_at_known boolean, channel text, partner_id text,
                role text, weight double precision
            )
            WHERE p_preview ? 'conversion' AND y.occurred_at <= s.until AND y.occurred_at > s.after
            OFFSET 0
        ) AS e
        WHERE (s.cutoff = 'first_contact' OR e.occurred_at >= (s.until AT TIME ZONE 'UTC' - coalesce(
                (s.per_channel ->> e.channel_code)::interval, (s.per_event_type ->> e.event_type)::interval, s.lookback
            )) AT TIME ZONE 'UTC')
            AND NOT s.exclude_channels ? e.channel_code
            AND coalesce(s.only_channels ? e.channel_code, true)
            AND (e.occurred_at_known OR NOT s.is_time_based OR s.missing_timestamp <> 'exclude')
    ) AS t ON coalesce(t.turn, 1) = 1
    WINDOW
        so_far AS (
            PARTITION BY s.event_id, s.rule_id ORDER BY t.occurred_at, t.id
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ),
        whole AS (
            PARTITION BY s.event_id, s.rule_id ORDER BY t.occurred_at, t.id
            ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
        )
$$;

ALTER FUNCTION attribution.journeys(uuid, uuid[], jsonb) OWNER TO attribution_owner;

COMMENT ON FUNCTION attribution.journeys(uuid, uuid[], jsonb) IS
'The journey of each conversion under each active rule that applies: one row per touch with what models look at.';

REVOKE ALL ON FUNCTION attribution.journeys(uuid, uuid[], jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.journeys(uuid, uuid[], jsonb)
TO attribution_engine, attribution_app, attribution_reader, attribution_admin;
