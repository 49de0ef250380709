-- preview_allocation(p_model, p_config, p_conversion, p_touches): what a rule would give, without storing anything.
--
-- p_model       model_type
-- p_config      the rule's config; also constraint_mode, and time_zone for daily_linear, which a stored rule has elsewhere
-- p_conversion  {"value_cents": …, "currency": …, "occurred_at": …, "milestones": {"lead_created": …}}; milestones optional
-- p_touches     [{"id": …, "channel": …, "occurred_at": …, "event_type": …, "partner_id": …, "role": …, "weight": …}, …];
--               a touch without occurred_at is one whose time is unknown
-- Returns       one row per touch of the journey, also of those without a share, and one for what is unattributed, in order
-- Errors        RA003 the rule is not valid; 22023 the conversion or a touch is not
--
-- Goes through compute_allocations(), as the engine does.

CREATE OR REPLACE FUNCTION attribution.preview_allocation(
    p_model text,
    p_config jsonb,
    p_conversion jsonb,
    p_touches jsonb
)
RETURNS TABLE (
    touch_id text,
    "position" int,
    channel_code text,
    weight double precision,
    allocation_ratio numeric,
    allocated_revenue_cents bigint,
    reason text
)
LANGUAGE plpgsql
STABLE
AS $$
DECLARE
    v_config jsonb := coalesce(p_config, '{}') - ARRAY['constraint_mode', 'time_zone'];
    v_touches jsonb;
BEGIN
    PERFORM attribution.assert_rule(jsonb_build_object(
        'name', 'preview', 'model_type', p_model, 'config', v_config,
        'constraint_mode', coalesce(p_config ->> 'constraint_mode', 'must_sum_to_100')
    ));
    IF jsonb_typeof(p_conversion -> 'value_cents') IS DISTINCT FROM 'number'
        OR (p_conversion ->> 'value_cents')::numeric NOT BETWEEN 0 AND 9223372036854775807
        OR coalesce(p_conversion ->> 'occurred_at', '') = '' THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = 'the conversion is not one',
            DETAIL = 'It needs value_cents (minor units, 0 or more) and occurred_at.',
            HINT = 'Give {"value_cents": 10000, "currency": "USD", "occurred_at": "2025-01-31T12:00:00Z"}.';
    END IF;
    IF jsonb_typeof(p_touches) IS DISTINCT FROM 'array' OR EXISTS (
        SELECT
        FROM jsonb_array_elements(CASE jsonb_typeof(p_touches) WHEN 'array' THEN p_touches ELSE '[]' END) AS t (touch)
        WHERE jsonb_typeof(t.touch) <> 'object' OR t.touch ->> 'id' IS NULL OR t.touch ->> 'channel' IS NULL
            OR (jsonb_typeof(t.touch -> 'weight') = 'number' AND (t.touch ->> 'weight')::numeric NOT BETWEEN 0 AND 1e15)
    ) THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = 'the touches are not an array of touches',
            DETAIL = 'Each needs an id and a channel; a weight is a number from 0 to 1e15.',
            HINT = 'Give [{"id": "a", "channel": "email", "occurred_at": "2025-01-30T12:00:00Z"}, …].';
    END IF;

    -- Keys in the order of the ids stand for them, since the engine's ids are uuids.
    SELECT coalesce(jsonb_agg(n.touch || jsonb_build_object(
        'key', lpad(to_hex(n.number), 32, '0')::uuid,
        'occurred_at', coalesce(n.touch ->> 'occurred_at', p_conversion ->> 'occurred_at'),
        'occurred_at_known', n.touch ->> 'occurred_at' IS NOT NULL
    )), '[]') INTO v_touches
    FROM (
        SELECT t.touch, row_number() OVER (ORDER BY t.touch ->> 'id' COLLATE "C") AS number
        FROM jsonb_array_elements(p_touches) AS t (touch)
    ) AS n;

    RETURN QUERY
    SELECT
        t.touch ->> 'id', a."position", a.channel_code, a.weight::double precision, a.allocation_ratio,
        a.allocated_revenue_cents, a.reason
    FROM attribution.compute_allocations(NULL, '{}', jsonb_build_object(
        'model', p_model, 'config', v_config, 'conversion', p_conversion, 'touches', v_touches,
        'constraint_mode', coalesce(p_config ->> 'constraint_mode', 'must_sum_to_100'),
        'time_zone', coalesce(p_config ->> 'time_zone', 'UTC')
    )) AS a
    LEFT JOIN jsonb_array_elements(v_touches) AS t (touch) ON (t.touch ->> 'key')::uuid = a.touch_id
    ORDER BY a."position" = 0, a."position";
END
$$;

ALTER FUNCTION attribution.preview_allocation(text, jsonb, jsonb, jsonb) OWNER TO attribution_owner;

COMMENT ON FUNCTION attribution.preview_allocation(text, jsonb, jsonb, jsonb) IS
'What a model would give each touch of a conversion, through the engines own functions and without storing anything. Errors: RA003 invalid rule, 22023 malformed conversion or touches.';

REVOKE ALL ON FUNCTION attribution.preview_allocation(text, jsonb, jsonb, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.preview_allocation(text, jsonb, jsonb, jsonb)
TO attribution_engine, attribution_app, attribution_reader, attribution_admin;
