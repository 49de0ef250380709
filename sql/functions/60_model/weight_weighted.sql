-- weight_weighted(p_own_weight): what the sender gave the touch; nothing when it gave none, or less than 1e-20, where
-- 40 decimals would no longer tell shares apart.

CREATE OR REPLACE FUNCTION attribution.weight_weighted(p_own_weight double precision)
RETURNS numeric
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
RETURN CASE WHEN p_own_weight >= 1e-20 THEN p_own_weight::numeric ELSE 0 END;

ALTER FUNCTION attribution.weight_weighted(double precision) OWNER TO attribution_owner;

COMMENT ON FUNCTION attribution.weight_weighted(double precision) IS
'Raw weight under weighted: the touchs own weight, 0 when it has none.';

REVOKE ALL ON FUNCTION attribution.weight_weighted(double precision) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.weight_weighted(double precision)
TO attribution_engine, attribution_app, attribution_reader, attribution_admin;
