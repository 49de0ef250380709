-- expect: SAFE | verbs by name | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
GRANT SELECT, INSERT, UPDATE ON attr.touchpoints TO app_user;
GRANT USAGE ON SCHEMA attr TO app_user;
