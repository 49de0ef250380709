-- weight_linear(): every touch alike.

CREATE OR REPLACE FUNCTION attribution.weight_linear()
RETURNS numeric
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
RETURN 1;

ALTER FUNCTION attribution.weight_linear() OWNER TO attribution_owner;

COMMENT ON FUNCTION attribution.weight_linear() IS
'Raw weight under linear: 1.';

REVOKE ALL ON FUNCTION attribution.weight_linear() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.weight_linear()
TO attribution_engine, attribution_app, attribution_reader, attribution_admin;
