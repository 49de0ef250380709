-- expect: UNSAFE | copies the table | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
CLUSTER attr.touchpoints USING touchpoints_tenant_ts;
