-- other_touches(…): how many touches of a journey hold none of the places that weight_shaped() knows.

CREATE OR REPLACE FUNCTION attribution.other_touches(
    p_touches int,
    p_lead_position int,
    p_opportunity_position int,
    p_last_is_place boolean
)
RETURNS int
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
RETURN p_touches - 1
    - CASE WHEN p_lead_position > 1 THEN 1 ELSE 0 END
    - CASE WHEN p_opportunity_position > 1 AND p_opportunity_position <> p_lead_position THEN 1 ELSE 0 END
    - CASE WHEN p_last_is_place AND p_touches NOT IN (1, p_lead_position, p_opportunity_position) THEN 1 ELSE 0 END;

ALTER FUNCTION attribution.other_touches(int, int, int, boolean) OWNER TO attribution_owner;

COMMENT ON FUNCTION attribution.other_touches(int, int, int, boolean) IS
'How many touches of a journey hold none of the places of w_shaped or full_path.';

REVOKE ALL ON FUNCTION attribution.other_touches(int, int, int, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.other_touches(int, int, int, boolean)
TO attribution_engine, attribution_app, attribution_reader, attribution_admin;
