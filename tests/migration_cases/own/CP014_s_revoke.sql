-- expect: SAFE | only a warning | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
GRANT DELETE ON attr.lookup TO app_user;
REVOKE DELETE ON attr.lookup FROM app_user;
