-- expect: SAFE | nobody names an index | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
ALTER INDEX attr.touchpoints_tenant_ts RENAME TO tp_tenant_ts;
