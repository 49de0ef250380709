-- expect: UNSAFE | its readers wait | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
REINDEX INDEX attr.touchpoints_tenant_ts;
