-- expect: UNSAFE | every session | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET work_mem = %L', current_database(), '8MB'); END $$;
