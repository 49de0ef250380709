-- expect: SAFE | only a warning: the run judges it | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
DO $$
DECLARE
  r record;
BEGIN
  FOR r IN SELECT 'COMMENT ON TABLE attr.lookup IS ''x''' AS sql LOOP EXECUTE r.sql; END LOOP;
END $$;
