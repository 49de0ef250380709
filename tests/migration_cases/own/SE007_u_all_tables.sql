-- expect: UNSAFE | PUBLIC on everything | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
GRANT SELECT ON ALL TABLES IN SCHEMA attr TO PUBLIC;
