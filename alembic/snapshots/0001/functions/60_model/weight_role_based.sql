-- weight_role_based(p_pool, p_peers): the role's pool, shared by its holders.
--
-- p_pool   what config.roles gives the touch's role; null: the role has none
-- p_peers  touches of the journey with the same role

CREATE OR REPLACE FUNCTION attribution.weight_role_based(p_pool numeric, p_peers int)
RETURNS numeric
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
RETURN coalesce(round(p_pool, 40) / p_peers, 0);

ALTER FUNCTION attribution.weight_role_based(numeric, int) OWNER TO attribution_owner;

COMMENT ON FUNCTION attribution.weight_role_based(numeric, int) IS
'Raw weight under role_based: the roles pool over the touches that hold the role; 0 without a pool.';

REVOKE ALL ON FUNCTION attribution.weight_role_based(numeric, int) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.weight_role_based(numeric, int)
TO attribution_engine, attribution_app, attribution_reader, attribution_admin;
