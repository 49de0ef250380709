-- weight_shaped(…): w_shaped and full_path. A share to each place (the first touch, the last one at or before the journey's
-- lead_created, the one at or before its opportunity_created, under full_path the last touch), 0.1 shared by the others.
--
-- p_lead_position, p_opportunity_position  0 when the milestone, or a touch before it, is absent: its share, and the 0.1
--                                          where no other touch is left, go to what there is when weights are normalised
-- p_place_share                            0.3 under w_shaped, 0.225 under full_path
--
-- All weights are multiplied by the number of other touches instead of dividing the 0.1 by it: they stay exact.

CREATE OR REPLACE FUNCTION attribution.weight_shaped(
    p_position int,
    p_touches int,
    p_lead_position int,
    p_opportunity_position int,
    p_place_share numeric,
    p_last_is_place boolean
)
RETURNS numeric
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
RETURN
    p_place_share * greatest(attribution.other_touches(p_touches, p_lead_position, p_opportunity_position, p_last_is_place), 1) * (
        CASE WHEN p_position = 1 THEN 1 ELSE 0 END
        + CASE WHEN p_position = p_lead_position THEN 1 ELSE 0 END
        + CASE WHEN p_position = p_opportunity_position THEN 1 ELSE 0 END
        + CASE WHEN p_last_is_place AND p_position = p_touches THEN 1 ELSE 0 END
    )
    + CASE
        WHEN p_position IN (1, p_lead_position, p_opportunity_position) OR (p_last_is_place AND p_position = p_touches) THEN 0
        ELSE 0.1
    END;

ALTER FUNCTION attribution.weight_shaped(int, int, int, int, numeric, boolean) OWNER TO attribution_owner;

COMMENT ON FUNCTION attribution.weight_shaped(int, int, int, int, numeric, boolean) IS
'Raw weight under w_shaped and full_path: a share for each place the touch holds, and the rest shared by touches that hold none.';

REVOKE ALL ON FUNCTION attribution.weight_shaped(int, int, int, int, numeric, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.weight_shaped(int, int, int, int, numeric, boolean)
TO attribution_engine, attribution_app, attribution_reader, attribution_admin;
