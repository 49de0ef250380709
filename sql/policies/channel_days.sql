-- Row-level security of channel_days: the tenant in context, no other; and no login beyond the tenant it is bound to.
--
-- tenant_isolation and bound_login are for the roles that callers are members of; any other role sees nothing. The engine's
-- functions work across tenants and check their p_tenant themselves. Both compare the tenant column with a function
-- that the planner evaluates once per index scan.

ALTER TABLE attribution.channel_days ENABLE ROW LEVEL SECURITY;
ALTER TABLE attribution.channel_days FORCE ROW LEVEL SECURITY;

DROP POLICY IF EXISTS tenant_isolation ON attribution.channel_days;
CREATE POLICY tenant_isolation ON attribution.channel_days
TO attribution_owner, attribution_app, attribution_reader, attribution_admin
USING (tenant_id = attribution.current_tenant())
WITH CHECK (tenant_id = attribution.current_tenant());

DROP POLICY IF EXISTS bound_login ON attribution.channel_days;
CREATE POLICY bound_login ON attribution.channel_days
AS RESTRICTIVE
TO attribution_owner, attribution_app, attribution_reader, attribution_admin
USING (tenant_id = attribution.permitted_tenant())
WITH CHECK (tenant_id = attribution.permitted_tenant());

DROP POLICY IF EXISTS engine ON attribution.channel_days;
CREATE POLICY engine ON attribution.channel_days
TO attribution_engine
USING (true)
WITH CHECK (true);

COMMENT ON POLICY tenant_isolation ON attribution.channel_days IS 'A row is visible and writable to its tenant only.';
COMMENT ON POLICY bound_login ON attribution.channel_days IS 'A login bound in tenant_logins is held to its tenant, whatever it SETs.';
COMMENT ON POLICY engine ON attribution.channel_days IS 'The engine''s SECURITY DEFINER functions work across tenants.';
