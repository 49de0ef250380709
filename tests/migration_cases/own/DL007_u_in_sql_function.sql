-- expect: UNSAFE | a new SQL-standard function, called in a query | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
CREATE FUNCTION attr.clear_lookup() RETURNS bigint LANGUAGE sql
BEGIN ATOMIC
  DELETE FROM attr.lookup;
  SELECT 1::bigint;
END;
DO $$ BEGIN PERFORM attr.clear_lookup(); END $$;
