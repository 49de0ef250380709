-- expect: UNSAFE | inserts for anybody | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
CREATE POLICY ins ON attr.touchpoints FOR INSERT WITH CHECK (tenant_id > 0);
