-- journeys(p_tenant, p_event_ids, p_preview): the journey of each conversion under each active rule that applies to it.
--
-- p_event_ids conversions; other events are ignored
-- p_preview   null for the tenant's own rules. Else one rule that takes their place: model, config, constraint_mode,
--             applies_to; and, with the keys conversion and touches, a made-up journey in place of the stored events
-- Returns     one row per conversion, rule and touch in the journey, with what models look at; a conversion without a
--             touch under a rule has one row whose touch_id is null
-- Reads       attribution_events, attribution_rules
--
-- A touch counts when it lies in the conversion's session and in [cutoff - lookback, cutoff], to the microsecond: journey_bounds()
-- finds the moments, journey_credits() the touches.

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
    SELECT
        c.event_id, c.occurred_at, c.value_cents, c.currency, c.rule_id, c.rule_version, c.model_type, c.constraint_mode, c.is_book,
        c.half_life_seconds, c.first_share, c.last_share, c.two_touch, c.roles, c.all_roles, c.weight_function, c.config,
        c.is_rejected, c.is_uniform, c.touch_id, c.channel_code, c.campaign_id, c.partner_id, c.partner_role, c.own_weight, c.age,
        c."position", c.touches, c.seconds_before_last, c.non_direct_position, c.non_direct_touches, c.lead_position,
        c.opportunity_position, c.peers
    FROM attribution.journey_credits(p_tenant, p_event_ids, p_preview, false) AS c
$$;

ALTER FUNCTION attribution.journeys(uuid, uuid[], jsonb) OWNER TO attribution_owner;

COMMENT ON FUNCTION attribution.journeys(uuid, uuid[], jsonb) IS
'The journey of each conversion under each active rule that applies: one row per touch with what models look at.';

REVOKE ALL ON FUNCTION attribution.journeys(uuid, uuid[], jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.journeys(uuid, uuid[], jsonb)
TO attribution_engine, attribution_app, attribution_reader, attribution_admin;
