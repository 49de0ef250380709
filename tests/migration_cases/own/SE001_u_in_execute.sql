-- expect: UNSAFE | dynamic | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
DO $$ BEGIN EXECUTE format('ALTER TABLE %I.%I DISABLE ROW LEVEL SECURITY', 'attr', 'ledger'); END $$;
