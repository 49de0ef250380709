-- weight_daily_linear(p_peers): every day alike, shared by the touches of that day.
--
-- p_peers  touches of the journey on the same day in the tenant's time zone

CREATE OR REPLACE FUNCTION attribution.weight_daily_linear(p_peers int)
RETURNS numeric
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
RETURN 1 / p_peers::numeric(60, 40);

ALTER FUNCTION attribution.weight_daily_linear(int) OWNER TO attribution_owner;

COMMENT ON FUNCTION attribution.weight_daily_linear(int) IS
'Raw weight under daily_linear: 1 over the touches on the same local day.';

REVOKE ALL ON FUNCTION attribution.weight_daily_linear(int) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.weight_daily_linear(int)
TO attribution_engine, attribution_app, attribution_reader, attribution_admin;
