-- expect: UNSAFE | sleeps on its locks | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
ALTER TABLE attr.lookup ADD COLUMN note text;
SELECT pg_sleep(0.1);
