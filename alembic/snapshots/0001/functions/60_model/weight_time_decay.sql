-- weight_time_decay(p_seconds_before_last, p_half_life_seconds): half the weight per half-life.
--
-- p_seconds_before_last  age, usually counted from the journey's last touch: after normalising, the same shares as counted from
--                        the conversion, and the last touch always weighs 1, so nothing underflows. What is older than
--                        200 half-lives weighs as if it were 200 old: 6e-61, far below a cent of any sum.
-- p_half_life_seconds    above 0
--
-- The cast to numeric keeps 15 digits, which hides the last-bit differences between maths libraries.

CREATE OR REPLACE FUNCTION attribution.weight_time_decay(
    p_seconds_before_last double precision,
    p_half_life_seconds double precision
)
RETURNS numeric
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
RETURN attribution.decay_factor(p_seconds_before_last, p_half_life_seconds)::numeric;

ALTER FUNCTION attribution.weight_time_decay(double precision, double precision) OWNER TO attribution_owner;

COMMENT ON FUNCTION attribution.weight_time_decay(double precision, double precision) IS
'Raw weight under time_decay: 2 to the power of minus age over half-life, age counted in seconds from the last touch.';

REVOKE ALL ON FUNCTION attribution.weight_time_decay(double precision, double precision) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.weight_time_decay(double precision, double precision)
TO attribution_engine, attribution_app, attribution_reader, attribution_admin;
