-- expect: UNSAFE | the pin is taken away | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
CREATE FUNCTION attr.sd(i bigint) RETURNS bigint LANGUAGE sql SECURITY DEFINER SET search_path = attr, pg_temp AS $$ SELECT count(*) FROM attr.tenants $$;
REVOKE ALL ON FUNCTION attr.sd(bigint) FROM PUBLIC;
ALTER FUNCTION attr.sd(bigint) RESET search_path;
