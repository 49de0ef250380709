-- weight_position_based(…): a share to the first touch, a share to the last, the rest to those between.
--
-- p_first, p_last  shares, 0 to 1, together at most 1
-- p_two_touch      where there is no middle: prorate (in proportion), split_middle (half of the rest each), equal
--
-- With a middle, all weights are multiplied by its size instead of dividing the rest by it: they stay exact.

CREATE OR REPLACE FUNCTION attribution.weight_position_based(
    p_position int,
    p_touches int,
    p_first numeric,
    p_last numeric,
    p_two_touch text
)
RETURNS numeric
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
RETURN CASE
    WHEN p_touches = 1 THEN 1
    WHEN p_touches = 2 AND (p_two_touch = 'equal' OR (p_two_touch = 'prorate' AND p_first + p_last = 0)) THEN 1
    WHEN p_touches = 2 THEN CASE p_position WHEN 1 THEN p_first ELSE p_last END
        + CASE p_two_touch WHEN 'split_middle' THEN (1 - p_first - p_last) / 2 ELSE 0 END
    WHEN p_position = 1 THEN p_first * (p_touches - 2)
    WHEN p_position = p_touches THEN p_last * (p_touches - 2)
    ELSE 1 - p_first - p_last
END;

ALTER FUNCTION attribution.weight_position_based(int, int, numeric, numeric, text) OWNER TO attribution_owner;

COMMENT ON FUNCTION attribution.weight_position_based(int, int, numeric, numeric, text) IS
'Raw weight under position_based: first, last, the rest shared by the touches between.';

REVOKE ALL ON FUNCTION attribution.weight_position_based(int, int, numeric, numeric, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.weight_position_based(int, int, numeric, numeric, text)
TO attribution_engine, attribution_app, attribution_reader, attribution_admin;
