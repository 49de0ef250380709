-- expect: SAFE | planner statistics | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
CREATE STATISTICS attr.tp_stats ON tenant_id, channel FROM attr.touchpoints;
ALTER TABLE attr.touchpoints ALTER COLUMN channel SET STATISTICS 500;
