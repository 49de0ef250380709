-- expect: UNSAFE | ends other sessions | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid();
