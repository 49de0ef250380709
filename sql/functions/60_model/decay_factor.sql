-- decay_factor(p_seconds_before_last, p_half_life_seconds): 2 to the power of minus age over half-life, see weight_time_decay().

CREATE OR REPLACE FUNCTION attribution.decay_factor(
    p_seconds_before_last double precision,
    p_half_life_seconds double precision
)
RETURNS double precision
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
RETURN power(2::double precision, least(greatest(-p_seconds_before_last / p_half_life_seconds, -200), 200));

ALTER FUNCTION attribution.decay_factor(double precision, double precision) OWNER TO attribution_owner;

COMMENT ON FUNCTION attribution.decay_factor(double precision, double precision) IS
'What is left of a weight of 1 at an age: half of it per half-life.';

REVOKE ALL ON FUNCTION attribution.decay_factor(double precision, double precision) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.decay_factor(double precision, double precision)
TO attribution_engine, attribution_app, attribution_reader, attribution_admin;
