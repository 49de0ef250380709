-- expect: UNSAFE | dynamic SQL from a loop | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
DO $$
DECLARE
  r record;
BEGIN
  FOR r IN SELECT attname FROM pg_attribute WHERE attrelid = 'attr.touchpoints'::regclass AND attname = 'email' LOOP
    EXECUTE format('ALTER TABLE attr.touchpoints DROP COLUMN %I', r.attname);
  END LOOP;
END $$;
