-- expect: UNSAFE | everyone waits | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
DROP INDEX attr.touchpoints_tenant_ts;
