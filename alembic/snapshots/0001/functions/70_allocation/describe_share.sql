-- describe_share(p_model, p_position, p_touches, p_ratio): why a touch got its share, for people.
--
-- p_position 0 for the unattributed part
-- Returns    such as 'position_based: first of 3 touches, 40.00%'

CREATE OR REPLACE FUNCTION attribution.describe_share(p_model text, p_position int, p_touches int, p_ratio numeric)
RETURNS text
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
RETURN p_model || CASE
    WHEN p_position = 0 AND p_touches = 0 THEN ': no touch within the lookback window'
    WHEN p_position = 0 THEN ': earned by none of ' || p_touches::text || ' touches'
    WHEN p_touches = 1 THEN ': the only touch'
    WHEN p_position = 1 THEN ': first of ' || p_touches::text || ' touches'
    WHEN p_position = p_touches THEN ': last of ' || p_touches::text || ' touches'
    ELSE ': touch ' || p_position::text || ' of ' || p_touches::text
END || ', ' || round(p_ratio * 100, 2)::text || '%';

ALTER FUNCTION attribution.describe_share(text, int, int, numeric) OWNER TO attribution_owner;

COMMENT ON FUNCTION attribution.describe_share(text, int, int, numeric) IS
'Why a touch got its share, for people.';

REVOKE ALL ON FUNCTION attribution.describe_share(text, int, int, numeric) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.describe_share(text, int, int, numeric)
TO attribution_engine, attribution_app, attribution_reader, attribution_admin;
