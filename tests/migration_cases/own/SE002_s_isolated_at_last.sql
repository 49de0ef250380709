-- expect: SAFE | an old tenant table gets its isolation | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
ALTER TABLE attr.ev_loose ENABLE ROW LEVEL SECURITY;
ALTER TABLE attr.ev_loose FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_isolation ON attr.ev_loose USING (tenant_id = current_setting('app.tenant_id', true)::bigint);
