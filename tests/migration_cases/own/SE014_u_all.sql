-- expect: UNSAFE | TRUNCATE and TRIGGER too | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
GRANT ALL ON attr.touchpoints TO app_user;
