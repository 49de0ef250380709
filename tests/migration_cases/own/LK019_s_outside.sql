-- expect: SAFE | no transaction | no tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
DROP INDEX CONCURRENTLY attr.touchpoints_tenant_ts;
