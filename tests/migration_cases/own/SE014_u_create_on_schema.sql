-- expect: UNSAFE | code among ours | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
GRANT CREATE ON SCHEMA attr TO app_user;
