-- expect: UNSAFE | in a DO block | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
DO $$ BEGIN TRUNCATE TABLE attr.lookup; END $$;
