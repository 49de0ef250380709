-- expect: UNSAFE | more than rows | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
ALTER DEFAULT PRIVILEGES IN SCHEMA attr GRANT ALL ON TABLES TO app_user;
