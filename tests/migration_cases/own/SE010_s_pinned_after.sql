-- expect: SAFE | pinned in a second statement | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
CREATE FUNCTION attr.sd(i bigint) RETURNS bigint LANGUAGE sql SECURITY DEFINER AS $$ SELECT count(*) FROM attr.tenants $$;
ALTER FUNCTION attr.sd(bigint) SET search_path = pg_catalog, pg_temp;
REVOKE ALL ON FUNCTION attr.sd(bigint) FROM PUBLIC;
