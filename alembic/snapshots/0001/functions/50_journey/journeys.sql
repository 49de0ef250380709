-- journeys(p_tenant, p_event_ids): the journey of each conversion under each active rule that applies to it.
--
-- p_event_ids conversions; other events are ignored
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

CREATE OR REPLACE FUNCTION attribution.journeys(p_tenant uuid, p_event_ids uuid[])
RETURNS TABLE (
    event_id uuid,
    occurred_at timestamptz,
    value_cents bigint,
    currency text,
    rule_id uuid,
    rule_version int,
    model_type text,
    is_book boolean,
    half_life_seconds double precision,
    first_share numeric,
    last_share numeric,
    two_touch text,
    touch_id uuid,
    channel_code text,
    campaign_id text,
    partner_id text,
    touch_weight double precision,
    "position" int,
    touches int,
    seconds_before_last double precision,
    non_direct_position int,
    non_direct_touches int
)
LANGUAGE sql
STABLE
PARALLEL SAFE
AS $$
    WITH rules AS MATERIALIZED (
        SELECT r.id, r.version, r.model_type, r.applies_to, r.is_book, r.priority, r.created_at, o.*
        FROM attribution.attribution_rules AS r
        CROSS JOIN LATERAL attribution.rule_options(r.config) AS o
        WHERE r.tenant_id = p_tenant AND r.status = 'active'
    ),
    scope AS (
        SELECT
            c.id AS event_id, c.session_id, c.occurred_at, c.conversion_value_cents AS value_cents, c.currency,
            r.id AS rule_id, r.version, r.model_type, r.lookback, r.half_life_seconds, r.first_share, r.last_share, r.two_touch,
            r.is_book AND row_number() OVER (
                PARTITION BY c.id ORDER BY r.is_book DESC, r.priority, r.created_at, r.id
            ) = 1 AS is_book
        FROM unnest(p_event_ids) AS k (id)
        CROSS JOIN LATERAL (
            SELECT e.*
            FROM attribution.attribution_events AS e
            WHERE e.tenant_id = p_tenant AND e.id = k.id AND e.event_kind = 'conversion'
            OFFSET 0
        ) AS c
        JOIN rules AS r
            ON attribution.rule_applies(
                r.applies_to, c.event_type, c.campaign_id, c.partner_id, c.currency, c.conversion_value_cents
            )
    )
    SELECT
        s.event_id, s.occurred_at, s.value_cents, s.currency,
        s.rule_id, s.version, s.model_type, s.is_book, s.half_life_seconds, s.first_share, s.last_share, s.two_touch,
        t.id, t.channel_code, t.campaign_id, t.partner_id, t.weight,
        (row_number() OVER so_far)::int,
        (count(t.id) OVER whole)::int,
        extract(epoch FROM max(t.occurred_at) OVER whole - t.occurred_at)::double precision,
        (count(t.id) FILTER (WHERE t.channel_code <> 'direct') OVER so_far)::int,
        (count(t.id) FILTER (WHERE t.channel_code <> 'direct') OVER whole)::int
    FROM scope AS s
    LEFT JOIN LATERAL (
        SELECT e.id, e.occurred_at, e.channel_code, e.campaign_id, e.partner_id, e.weight
        FROM attribution.attribution_events AS e
        WHERE e.tenant_id = p_tenant AND e.session_id = s.session_id AND e.event_kind = 'touch'
            AND e.occurred_at <= s.occurred_at
            AND e.occurred_at >= (s.occurred_at AT TIME ZONE 'UTC' - s.lookback) AT TIME ZONE 'UTC'
        OFFSET 0
    ) AS t ON true
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

ALTER FUNCTION attribution.journeys(uuid, uuid[]) OWNER TO attribution_owner;

COMMENT ON FUNCTION attribution.journeys(uuid, uuid[]) IS
'The journey of each conversion under each active rule that applies: one row per touch with what models look at.';

REVOKE ALL ON FUNCTION attribution.journeys(uuid, uuid[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.journeys(uuid, uuid[])
TO attribution_engine, attribution_app, attribution_reader, attribution_admin;
