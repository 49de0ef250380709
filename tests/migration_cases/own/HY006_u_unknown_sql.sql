-- expect: UNSAFE | the run finds what it does | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
DO $$
DECLARE
  r record;
BEGIN
  FOR r IN SELECT format('DROP TABLE %s', c.oid::regclass) AS sql FROM pg_class c WHERE relname = 'lookup' LOOP
    EXECUTE r.sql;
  END LOOP;
END $$;
