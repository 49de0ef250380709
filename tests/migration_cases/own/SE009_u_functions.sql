-- expect: UNSAFE | future functions public | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
ALTER DEFAULT PRIVILEGES IN SCHEMA attr GRANT EXECUTE ON FUNCTIONS TO PUBLIC;
