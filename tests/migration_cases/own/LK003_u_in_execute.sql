-- expect: UNSAFE | dynamic | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
DO $$ BEGIN EXECUTE format('CREATE INDEX %I ON attr.%I (email)', 'tp_email', 'touchpoints'); END $$;
