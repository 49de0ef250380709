-- expect: UNSAFE | a materialized view knows no policies | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
CREATE MATERIALIZED VIEW attr.mv_tp AS SELECT id, tenant_id FROM attr.touchpoints;
