-- touch_weight(p_model, …): the raw weight of one touch under a model.
--
-- p_model  model_type; the other parameters are what journey_credits() knows
-- Returns  0 or more, meaningful only beside the other weights of the journey; null where a custom function gives none
--
-- The one place where a model's name meets its function. A new model: weight_<model>.sql in this folder, a WHEN here, its
-- name and options in validate_rule(), its option columns in rule_options().

CREATE OR REPLACE FUNCTION attribution.touch_weight(
    p_model text,
    p_position int,
    p_touches int,
    p_channel_code text,
    p_non_direct_position int,
    p_non_direct_touches int,
    p_seconds_before_last double precision,
    p_half_life_seconds double precision,
    p_first numeric,
    p_last numeric,
    p_two_touch text,
    p_lead_position int,
    p_opportunity_position int,
    p_peers int,
    p_pool numeric,
    p_own_weight double precision,
    p_age interval,
    p_weight_function text,
    p_config jsonb
)
RETURNS numeric
LANGUAGE sql
STABLE
PARALLEL SAFE
RETURN CASE p_model
    WHEN 'first_touch' THEN attribution.weight_first_touch(p_position)
    WHEN 'last_touch' THEN attribution.weight_last_touch(p_position, p_touches)
    WHEN 'last_non_direct' THEN attribution.weight_last_non_direct(
        p_position, p_touches, p_channel_code, p_non_direct_position, p_non_direct_touches)
    WHEN 'linear' THEN attribution.weight_linear()
    WHEN 'daily_linear' THEN attribution.weight_daily_linear(p_peers)
    WHEN 'time_decay' THEN attribution.weight_time_decay(p_seconds_before_last, p_half_life_seconds)
    WHEN 'position_based' THEN attribution.weight_position_based(p_position, p_touches, p_first, p_last, p_two_touch)
    WHEN 'j_shaped' THEN attribution.weight_position_based(p_position, p_touches, p_first, p_last, p_two_touch)
    WHEN 'inverse_j' THEN attribution.weight_position_based(p_position, p_touches, p_first, p_last, p_two_touch)
    WHEN 'w_shaped' THEN attribution.weight_shaped(
        p_position, p_touches, p_lead_position, p_opportunity_position, 0.3, false)
    WHEN 'full_path' THEN attribution.weight_shaped(
        p_position, p_touches, p_lead_position, p_opportunity_position, 0.225, true)
    WHEN 'role_based' THEN attribution.weight_role_based(p_pool, p_peers)
    WHEN 'weighted' THEN attribution.weight_weighted(p_own_weight)
    WHEN 'custom' THEN attribution.weight_custom(p_weight_function, p_position, p_touches, p_age, p_config)
END;

ALTER FUNCTION attribution.touch_weight(
    text, int, int, text, int, int, double precision, double precision, numeric, numeric, text, int, int, int, numeric,
    double precision, interval, text, jsonb
) OWNER TO attribution_owner;

COMMENT ON FUNCTION attribution.touch_weight(
    text, int, int, text, int, int, double precision, double precision, numeric, numeric, text, int, int, int, numeric,
    double precision, interval, text, jsonb
) IS
'The raw weight of one touch under a model; null for an unknown model, and where a custom function gives none.';

REVOKE ALL ON FUNCTION attribution.touch_weight(
    text, int, int, text, int, int, double precision, double precision, numeric, numeric, text, int, int, int, numeric,
    double precision, interval, text, jsonb
) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.touch_weight(
    text, int, int, text, int, int, double precision, double precision, numeric, numeric, text, int, int, int, numeric,
    double precision, interval, text, jsonb
)
TO attribution_engine, attribution_app, attribution_reader, attribution_admin;
