-- expect: UNSAFE | the caller chooses | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
CREATE FUNCTION attr.sd(i bigint) RETURNS bigint LANGUAGE sql SECURITY DEFINER AS $$ SELECT count(*) FROM attr.tenants $$;
REVOKE ALL ON FUNCTION attr.sd(bigint) FROM PUBLIC;
