-- expect: UNSAFE | everybody may call it | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
CREATE FUNCTION attr.sd(i bigint) RETURNS bigint LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$ SELECT count(*) FROM attr.tenants $$;
