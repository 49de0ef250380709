-- expect: SAFE | the tenant, and more | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
ALTER POLICY tenant_isolation ON attr.touchpoints USING (tenant_id = nullif(current_setting('app.tenant_id', true), '')::bigint AND ts IS NOT NULL);
