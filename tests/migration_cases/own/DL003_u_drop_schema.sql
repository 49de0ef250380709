-- expect: UNSAFE | everything in it | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
DROP SCHEMA attr CASCADE;
