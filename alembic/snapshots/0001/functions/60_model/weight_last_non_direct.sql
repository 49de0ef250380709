-- weight_last_non_direct(…): all credit to the last touch that is not direct; to the last touch when all are.
--
-- p_non_direct_position  how many touches up to this one are not direct
-- p_non_direct_touches   how many of the journey are not

CREATE OR REPLACE FUNCTION attribution.weight_last_non_direct(
    p_position int,
    p_touches int,
    p_channel_code text,
    p_non_direct_position int,
    p_non_direct_touches int
)
RETURNS numeric
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
RETURN CASE
    WHEN p_non_direct_touches = 0 THEN attribution.weight_last_touch(p_position, p_touches)
    WHEN p_channel_code <> 'direct' AND p_non_direct_position = p_non_direct_touches THEN 1
    ELSE 0
END;

ALTER FUNCTION attribution.weight_last_non_direct(int, int, text, int, int) OWNER TO attribution_owner;

COMMENT ON FUNCTION attribution.weight_last_non_direct(int, int, text, int, int) IS
'Raw weight under last_non_direct: 1 for the last touch whose channel is not direct, or for the last touch when all are; else 0.';

REVOKE ALL ON FUNCTION attribution.weight_last_non_direct(int, int, text, int, int) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.weight_last_non_direct(int, int, text, int, int)
TO attribution_engine, attribution_app, attribution_reader, attribution_admin;
