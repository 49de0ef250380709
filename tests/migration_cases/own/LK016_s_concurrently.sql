-- expect: SAFE | others go on | no tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
DROP INDEX CONCURRENTLY IF EXISTS attr.touchpoints_tenant_ts;
