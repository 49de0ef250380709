-- expect: UNSAFE | a policy that only the run shows | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
DO $$
DECLARE
  r record;
BEGIN
  FOR r IN SELECT format('CREATE POLICY open ON %s USING (true)', oid::regclass) AS sql
    FROM pg_class WHERE relname = 'touchpoints'
  LOOP
    EXECUTE r.sql;
  END LOOP;
END $$;
GRANT SELECT ON attr.touchpoints TO reporting;
