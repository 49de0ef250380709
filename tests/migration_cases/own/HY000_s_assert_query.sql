-- expect: SAFE | a query in a DO block | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
DO $$ BEGIN ASSERT (SELECT count(*) FROM attr.lookup) > 0, 'empty'; END $$;
