-- expect: SAFE | an advisory lock of the transaction | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
SELECT pg_advisory_xact_lock(42);
