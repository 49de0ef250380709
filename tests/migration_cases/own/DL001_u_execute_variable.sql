-- expect: UNSAFE | dynamic SQL from a variable | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
DO $$
DECLARE
  v_sql text := 'DROP TABLE attr.lookup';
BEGIN
  EXECUTE v_sql;
END $$;
