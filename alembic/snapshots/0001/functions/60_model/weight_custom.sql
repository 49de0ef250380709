-- weight_custom(p_function, …): the raw weight that a rule's own function gives.
--
-- p_function  name of a function (position int, n int, age interval, config jsonb) returns double precision
-- Returns     its weight; null when it may not serve (weight_function_error()), fails, or returns no number from 0 to 1e15:
--             then the rule gives no shares for this conversion, and other rules theirs
--
-- The one dynamic statement of the engine: the name is checked before every call and is plain identifiers.

CREATE OR REPLACE FUNCTION attribution.weight_custom(
    p_function text,
    p_position int,
    p_touches int,
    p_age interval,
    p_config jsonb
)
RETURNS numeric
LANGUAGE plpgsql
STABLE
AS $$
DECLARE
    v_weight double precision;
BEGIN
    IF attribution.weight_function_error(p_function) IS NOT NULL THEN
        RETURN NULL;
    END IF;
    EXECUTE format('SELECT %I.%I($1, $2, $3, $4)', split_part(p_function, '.', 1), split_part(p_function, '.', 2))
    INTO v_weight USING p_position, p_touches, p_age, p_config;
    RETURN CASE
        WHEN v_weight >= 0 AND v_weight < 1e-20 THEN 0
        WHEN v_weight >= 0 AND v_weight <= 1e15 THEN v_weight::numeric -- NaN is above every number
    END;
EXCEPTION
    WHEN OTHERS THEN -- whatever it is, it is an error of this rule alone; attribute_conversions() says so
        RETURN NULL;
END
$$;

ALTER FUNCTION attribution.weight_custom(text, int, int, interval, jsonb) OWNER TO attribution_owner;

COMMENT ON FUNCTION attribution.weight_custom(text, int, int, interval, jsonb) IS
'The raw weight that a rules own function gives; null when it fails or gives none.';

REVOKE ALL ON FUNCTION attribution.weight_custom(text, int, int, interval, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.weight_custom(text, int, int, interval, jsonb)
TO attribution_engine, attribution_app, attribution_reader, attribution_admin;
