-- divide_cents(p_amount, p_weights): divide an amount by weights, exactly, by largest remainder.
--
-- p_amount   whole minor units, 0 or more
-- p_weights  0 or more each, not all 0 unless p_amount is
-- Returns    whole minor units in the order of the weights, summing to p_amount: each exact share is floored, and what is
--            left goes, one each, to the largest fractions, ties to the earliest place. No share exceeds its weight where
--            p_amount does not exceed their sum.
--
-- Division with remainder keeps it exact, however long the numbers are.

CREATE OR REPLACE FUNCTION attribution.divide_cents(p_amount numeric, p_weights numeric[])
RETURNS bigint[]
LANGUAGE sql
IMMUTABLE
STRICT
PARALLEL SAFE
AS $$
    SELECT array_agg((s.whole + CASE WHEN s.turn <= s.left_over THEN 1 ELSE 0 END)::bigint ORDER BY s.place)
    FROM (
        SELECT
            d.place, d.whole,
            p_amount - sum(d.whole) OVER () AS left_over,
            row_number() OVER (ORDER BY d.rest DESC, d.place) AS turn
        FROM (
            SELECT
                w.place, coalesce(div(p_amount * w.weight, t.total), 0) AS whole, mod(p_amount * w.weight, t.total) AS rest
            FROM unnest(p_weights) WITH ORDINALITY AS w (weight, place)
            CROSS JOIN (SELECT nullif(sum(x.weight), 0) AS total FROM unnest(p_weights) AS x (weight)) AS t
        ) AS d
    ) AS s
$$;

ALTER FUNCTION attribution.divide_cents(numeric, numeric[]) OWNER TO attribution_owner;

COMMENT ON FUNCTION attribution.divide_cents(numeric, numeric[]) IS
'Divides whole minor units by weights, by largest remainder: the shares are whole and sum to the amount.';

REVOKE ALL ON FUNCTION attribution.divide_cents(numeric, numeric[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.divide_cents(numeric, numeric[])
TO attribution_engine, attribution_app, attribution_reader, attribution_admin;
