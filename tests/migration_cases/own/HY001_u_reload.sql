-- expect: UNSAFE | server-wide | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
SELECT pg_reload_conf();
