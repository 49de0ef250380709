-- journey_bounds(p_tenant, p_event_ids, p_preview): between which moments each conversion's journey lies, under each active rule that
-- applies to it.
--
-- p_event_ids, p_preview  see journeys()
-- Returns                 one row per conversion and rule: the conversion, the rule with its options, whether it is the book; the
--                         journey's touches are of session_id, in [since, until], and later than after
-- Reads                   attribution_events, attribution_rules, tenants
--
-- The window is subtracted in UTC: a day is 24 hours, whatever the session's time zone. Where windows differ by channel or event
-- type, since is the start of the longest, and journey_credits() looks at each touch.
--
-- has_windows, has_channels and looks_at_milestones say once per rule what most rules need not ask of each touch.
--
-- OFFSET 0 keeps each look-up what it is, one probe of an index per conversion, whatever the planner believes of the tables' sizes;
-- store_allocations() and post_allocations() do the same.

CREATE OR REPLACE FUNCTION attribution.journey_bounds(p_tenant uuid, p_event_ids uuid[], p_preview jsonb)
RETURNS TABLE (
    event_id uuid,
    session_id uuid,
    occurred_at timestamptz,
    value_cents bigint,
    currency text,
    rule_id uuid,
    rule_version int,
    model_type text,
    constraint_mode text,
    is_book boolean,
    time_zone text,
    lookback interval,
    per_channel jsonb,
    per_event_type jsonb,
    has_windows boolean,
    exclude_channels jsonb,
    only_channels jsonb,
    has_channels boolean,
    missing_timestamp text,
    is_time_based boolean,
    cutoff text,
    dedupe text,
    half_life_seconds double precision,
    first_share numeric,
    last_share numeric,
    two_touch text,
    roles jsonb,
    all_roles numeric,
    weight_function text,
    config jsonb,
    lead_at timestamptz,
    opportunity_at timestamptz,
    after timestamptz,
    since timestamptz,
    until timestamptz
)
LANGUAGE sql
STABLE
PARALLEL SAFE
AS $$
    WITH rules AS MATERIALIZED (
        SELECT
            r.id, r.version, r.model_type, r.constraint_mode, r.applies_to, r.is_book, o.*,
            row_number() OVER (ORDER BY r.is_book DESC, r.priority, r.created_at, r.id) AS rank,
            r.model_type IN ('time_decay', 'daily_linear') AS is_time_based,
            o.cutoff IN ('first_booked', 'first_attended', 'first_paid') OR o.on_repeat = 'reset'
            OR r.model_type IN ('w_shaped', 'full_path') AS looks_at_milestones,
            o.per_channel <> '{}' OR o.per_event_type <> '{}' AS has_windows,
            o.exclude_channels <> '[]' OR o.only_channels IS NOT NULL AS has_channels,
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
            WHERE e.tenant_id = p_tenant AND e.id = k.id
            OFFSET 0 -- the kind is looked at outside, or the planner may read a whole partial index for one key
        ) AS c
        WHERE c.event_kind = 'conversion' AND NOT coalesce(p_preview ? 'conversion', false)
        UNION ALL
        SELECT
            '00000000-0000-0000-0000-000000000000', NULL, NULL, p.occurred_at, p.value_cents, p.currency, NULL, NULL
        FROM jsonb_to_record(p_preview -> 'conversion') AS p (occurred_at timestamptz, value_cents bigint, currency text)
        WHERE p_preview ? 'conversion'
    ),
    scope AS (
        SELECT
            c.id AS event_id, c.session_id, c.occurred_at, c.value_cents, c.currency, r.*,
            r.is_book AND NOT EXISTS (
                SELECT FROM rules AS b
                WHERE b.rank < r.rank
                    AND attribution.rule_applies(b.applies_to, c.event_type, c.campaign_id, c.partner_id, c.currency, c.value_cents)
            ) AS is_the_book
        FROM conversions AS c
        JOIN rules AS r
            ON attribution.rule_applies(r.applies_to, c.event_type, c.campaign_id, c.partner_id, c.currency, c.value_cents)
    )
    SELECT
        s.event_id, s.session_id, s.occurred_at, s.value_cents, s.currency, s.id, s.version, s.model_type, s.constraint_mode,
        s.is_the_book, s.time_zone, s.lookback, s.per_channel, s.per_event_type, s.has_windows, s.exclude_channels, s.only_channels,
        s.has_channels, s.missing_timestamp, s.is_time_based, s.cutoff, s.dedupe, s.half_life_seconds, s.first_share, s.last_share,
        s.two_touch, s.roles, s.all_roles, s.weight_function, s.config, m.lead_at, m.opportunity_at,
        CASE s.on_repeat WHEN 'reset' THEN coalesce(m.previous_at, '-infinity') ELSE '-infinity' END,
        CASE
            WHEN s.cutoff = 'first_contact' THEN '-infinity'
            WHEN s.has_windows THEN (
                SELECT min((u.until AT TIME ZONE 'UTC' - v.lookback) AT TIME ZONE 'UTC') FROM unnest(s.lookbacks) AS v (lookback)
            )
            ELSE (u.until AT TIME ZONE 'UTC' - s.lookback) AT TIME ZONE 'UTC'
        END,
        u.until
    FROM scope AS s
    CROSS JOIN LATERAL (
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
            WHERE NOT coalesce(p_preview ? 'conversion', false) AND s.looks_at_milestones AND x.tenant_id = p_tenant
                AND x.session_id = s.session_id AND x.event_kind IN ('milestone', 'conversion') AND x.occurred_at <= s.occurred_at
            UNION ALL
            SELECT NULL, y.key, CASE y.key WHEN 'first_paid' THEN 'conversion' ELSE 'milestone' END, y.value::timestamptz
            FROM jsonb_each_text(p_preview -> 'conversion' -> 'milestones') AS y
            WHERE p_preview ? 'conversion' AND y.value::timestamptz <= s.occurred_at
            OFFSET 0
        ) AS e
    ) AS m
    CROSS JOIN LATERAL (
        SELECT CASE s.cutoff
            WHEN 'first_contact' THEN 'infinity'
            WHEN 'first_booked' THEN least(s.occurred_at, m.booked_at)
            WHEN 'first_attended' THEN least(s.occurred_at, m.attended_at)
            WHEN 'first_paid' THEN least(s.occurred_at, m.paid_at)
            ELSE s.occurred_at
        END AS until
    ) AS u
$$;

ALTER FUNCTION attribution.journey_bounds(uuid, uuid[], jsonb) OWNER TO attribution_owner;

COMMENT ON FUNCTION attribution.journey_bounds(uuid, uuid[], jsonb) IS
'Between which moments the journey of each conversion lies, under each active rule that applies, with the options of the rule.';

REVOKE ALL ON FUNCTION attribution.journey_bounds(uuid, uuid[], jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.journey_bounds(uuid, uuid[], jsonb)
TO attribution_engine, attribution_app, attribution_reader, attribution_admin;
