-- weight_last_touch(p_position, p_touches): all credit to the last touch.

CREATE OR REPLACE FUNCTION attribution.weight_last_touch(p_position int, p_touches int)
RETURNS numeric
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
RETURN CASE WHEN p_position = p_touches THEN 1 ELSE 0 END;

ALTER FUNCTION attribution.weight_last_touch(int, int) OWNER TO attribution_owner;

COMMENT ON FUNCTION attribution.weight_last_touch(int, int) IS
'Raw weight under last_touch: 1 for the last touch, else 0.';

REVOKE ALL ON FUNCTION attribution.weight_last_touch(int, int) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.weight_last_touch(int, int)
TO attribution_engine, attribution_app, attribution_reader, attribution_admin;
