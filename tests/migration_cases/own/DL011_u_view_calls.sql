-- expect: UNSAFE | a view that calls what deletes rows | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
CREATE FUNCTION attr.wiped() RETURNS int LANGUAGE plpgsql SET search_path = attr, pg_temp AS $$
BEGIN
  DELETE FROM attr.lookup;
  RETURN 1;
END $$;
CREATE VIEW attr.vv WITH (security_invoker) AS SELECT attr.wiped() AS x;
SELECT x FROM attr.vv;
