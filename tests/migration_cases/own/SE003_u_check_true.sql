-- expect: UNSAFE | writes for anybody | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
DROP POLICY tenant_isolation ON attr.touchpoints;
CREATE POLICY tenant_isolation ON attr.touchpoints USING (tenant_id = current_setting('app.tenant_id', true)::bigint) WITH CHECK (true);
