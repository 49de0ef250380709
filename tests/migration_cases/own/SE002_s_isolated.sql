-- expect: SAFE | enabled, forced and with a policy | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
CREATE TABLE attr.paths (id bigint PRIMARY KEY, tenant_id bigint NOT NULL);
ALTER TABLE attr.paths ENABLE ROW LEVEL SECURITY;
ALTER TABLE attr.paths FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_isolation ON attr.paths USING (tenant_id = nullif(current_setting('app.tenant_id', true), '')::bigint);
