-- touch_weight(p_model, …): the raw weight of one touch under a model.
--
-- p_model  model_type; the other parameters are columns of journeys()
-- Returns  0 or more, meaningful only beside the other weights of the journey
--
-- The one place where a model's name meets its function. A new model: weight_<model>.sql in this folder, a WHEN here,
-- its name in validate_rule(), its option columns in rule_options().

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
    p_two_touch text
)
RETURNS numeric
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
RETURN CASE p_model
    WHEN 'first_touch' THEN attribution.weight_first_touch(p_position)
    WHEN 'last_touch' THEN attribution.weight_last_touch(p_position, p_touches)
    WHEN 'last_non_direct' THEN attribution.weight_last_non_direct(
        p_position, p_touches, p_channel_code, p_non_direct_position, p_non_direct_touches)
    WHEN 'linear' THEN attribution.weight_linear()
    WHEN 'time_decay' THEN attribution.weight_time_decay(p_seconds_before_last, p_half_life_seconds)
    WHEN 'position_based' THEN attribution.weight_position_based(p_position, p_touches, p_first, p_last, p_two_touch)
END;

ALTER FUNCTION attribution.touch_weight(text, int, int, text, int, int, double precision, double precision, numeric, numeric, text) OWNER TO attribution_owner;

COMMENT ON FUNCTION attribution.touch_weight(text, int, int, text, int, int, double precision, double precision, numeric, numeric, text) IS
'The raw weight of one touch under a model; null for an unknown model.';

REVOKE ALL ON FUNCTION attribution.touch_weight(text, int, int, text, int, int, double precision, double precision, numeric, numeric, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.touch_weight(text, int, int, text, int, int, double precision, double precision, numeric, numeric, text)
TO attribution_engine, attribution_app, attribution_reader, attribution_admin;
