-- expect: UNSAFE | TRUNCATE skips policies | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
GRANT TRUNCATE ON attr.touchpoints TO app_user;
