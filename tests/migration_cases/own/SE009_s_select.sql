-- expect: SAFE | least privilege | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
ALTER DEFAULT PRIVILEGES IN SCHEMA attr GRANT SELECT ON TABLES TO reporting;
