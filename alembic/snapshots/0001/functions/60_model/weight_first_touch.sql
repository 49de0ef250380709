-- weight_first_touch(p_position): all credit to the first touch.

CREATE OR REPLACE FUNCTION attribution.weight_first_touch(p_position int)
RETURNS numeric
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
RETURN CASE WHEN p_position = 1 THEN 1 ELSE 0 END;

ALTER FUNCTION attribution.weight_first_touch(int) OWNER TO attribution_owner;

COMMENT ON FUNCTION attribution.weight_first_touch(int) IS
'Raw weight under first_touch: 1 for the first touch, else 0.';

REVOKE ALL ON FUNCTION attribution.weight_first_touch(int) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.weight_first_touch(int)
TO attribution_engine, attribution_app, attribution_reader, attribution_admin;
