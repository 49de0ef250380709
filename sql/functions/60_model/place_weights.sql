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
        CASE WHEN bool_and(s.is_whole) THEN array_agg(least(s.first, 67108864)::bigint ORDER BY s.touches) END,
        CASE WHEN bool_and(s.is_whole) THEN array_agg(least(s.middle, 67108864)::bigint ORDER BY s.touches) END,
        CASE WHEN bool_and(s.is_whole) THEN array_agg(least(s.last, 67108864)::bigint ORDER BY s.touches) END
    FROM (
        SELECT
            w.touches, w.first * f.factor AS first, w.middle * f.factor AS middle, w.last * f.factor AS last,
            (w.first + w.middle * greatest(w.touches - 2, 0) + w.last) * f.factor < 67108864 AS is_whole
        FROM (
            SELECT
                t.touches,
                max(t.weight) FILTER (WHERE t.place = 'first') AS first,
                coalesce(max(t.weight) FILTER (WHERE t.place = 'middle'), 0) AS middle,
                coalesce(max(t.weight) FILTER (WHERE t.place = 'last'), 0) AS last,
                max(scale(trim_scale(t.weight))) AS digits
            FROM (
                SELECT
                    n.touches, p.place,
                    attribution.touch_weight(
                        p_model, CASE p.place WHEN 'first' THEN 1 WHEN 'middle' THEN 2 ELSE n.touches END, n.touches, NULL, NULL, NULL,
                        NULL, NULL, p_first, p_last, p_two_touch, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
                    ) AS weight
                FROM generate_series(1, 100) AS n (touches)
                JOIN (VALUES ('first', 1), ('middle', 3), ('last', 2)) AS p (place, needs) ON p.needs <= n.touches
                WHERE p_model IN ('first_touch', 'last_touch', 'linear', 'position_based', 'j_shaped', 'inverse_j')
                OFFSET 0
            ) AS t
            GROUP BY t.touches
        ) AS w
        CROSS JOIN LATERAL (SELECT 10::numeric ^ w.digits AS factor) AS f
    ) AS s
$$;

ALTER FUNCTION attribution.place_weights(text, numeric, numeric, text) OWNER TO attribution_owner;

COMMENT ON FUNCTION attribution.place_weights(text, numeric, numeric, text) IS
'The weights of the first touch, those between and the last, in whole numbers by length of journey, of a model that knows no more.';

REVOKE ALL ON FUNCTION attribution.place_weights(text, numeric, numeric, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.place_weights(text, numeric, numeric, text)
TO attribution_engine, attribution_app, attribution_reader, attribution_admin;
