-- expect: SAFE | less than before | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
ALTER DEFAULT PRIVILEGES IN SCHEMA attr REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
