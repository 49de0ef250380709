-- place_weights(p_model, p_first, p_last, p_two_touch): the weights of a model in which a touch's place is all that counts.
--
-- p_first, p_last, p_two_touch  options of position_based
-- Returns  for journeys of 1, 2, … 100 touches: what the first touch weighs, each of those between, and the last; 0 where there
--          is no such touch. All three are null for other models, and where whole numbers below 2^26 do not say it
--
-- They are touch_weight()'s own, multiplied until they are whole: shares of whole numbers are whole numbers, too, and place_cents()
-- divides by them without a fraction.

CREATE OR REPLACE FUNCTION attribution.place_weights(p_model text, p_first numeric, p_last numeric, p_two_touch text)
RETURNS TABLE (firsts bigint[], middles bigint[], lasts bigint[])
LANGUAGE sql
STABLE
PARALLEL SAFE
AS $$
    SELECT
        CASE WHEN bool_and(s.is_whole) THEN array_agg(s.first ORDER BY w.touches) END,
        CASE WHEN bool_and(s.is_whole) THEN array_agg(s.middle ORDER BY w.touches) END,
        CASE WHEN bool_and(s.is_whole) THEN array_agg(s.last ORDER BY w.touches) END
    FROM (
        SELECT
            n.touches,
            attribution.touch_weight(
                p_model, 1, n.touches, NULL, NULL, NULL, NULL, NULL, p_first, p_last, p_two_touch, NULL, NULL, NULL, NULL, NULL,
                NULL, NULL, NULL
            ) AS first,
            CASE WHEN n.touches > 2 THEN attribution.touch_weight(
                p_model, 2, n.touches, NULL, NULL, NULL, NULL, NULL, p_first, p_last, p_two_touch, NULL, NULL, NULL, NULL, NULL,
                NULL, NULL, NULL
            ) ELSE 0 END AS middle,
            CASE WHEN n.touches > 1 THEN attribution.touch_weight(
                p_model, n.touches, n.touches, NULL, NULL, NULL, NULL, NULL, p_first, p_last, p_two_touch, NULL, NULL, NULL, NULL, NULL,
                NULL, NULL, NULL
            ) ELSE 0 END AS last
        FROM generate_series(1, 100) AS n (touches)
        WHERE p_model IN ('first_touch', 'last_touch', 'linear', 'position_based', 'j_shaped', 'inverse_j')
    ) AS w
    CROSS JOIN LATERAL (
        SELECT 10::numeric ^ greatest(scale(trim_scale(w.first)), scale(trim_scale(w.middle)), scale(trim_scale(w.last))) AS factor
    ) AS f
    CROSS JOIN LATERAL (
        SELECT
            (w.first * f.factor)::bigint AS first, (w.middle * f.factor)::bigint AS middle, (w.last * f.factor)::bigint AS last,
            (w.first + w.middle * greatest(w.touches - 2, 0) + w.last) * f.factor < 67108864 AS is_whole
    ) AS s
$$;

ALTER FUNCTION attribution.place_weights(text, numeric, numeric, text) OWNER TO attribution_owner;

COMMENT ON FUNCTION attribution.place_weights(text, numeric, numeric, text) IS
'The weights of the first touch, those between and the last, in whole numbers by length of journey, of a model that knows no more.';

REVOKE ALL ON FUNCTION attribution.place_weights(text, numeric, numeric, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.place_weights(text, numeric, numeric, text)
TO attribution_engine, attribution_app, attribution_reader, attribution_admin;
