-- expect: SAFE | a temporary table | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
CREATE TEMP TABLE paths (id bigint, tenant_id bigint);
