-- expect: SAFE | others go on | no tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
REINDEX INDEX CONCURRENTLY attr.touchpoints_tenant_ts;
