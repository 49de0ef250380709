-- expect: UNSAFE | writers wait | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
LOCK TABLE attr.touchpoints IN SHARE MODE;
