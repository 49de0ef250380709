-- Row-level security of tenant_logins: the tenant in context, no other; and no login beyond the tenant it is bound to.
--
-- bound_login names no column, so that the planner evaluates it once per statement and not per row. The engine's
-- functions work across tenants and check their p_tenant themselves.

ALTER TABLE attribution.tenant_logins ENABLE ROW LEVEL SECURITY;
ALTER TABLE attribution.tenant_logins FORCE ROW LEVEL SECURITY;

DROP POLICY IF EXISTS tenant_isolation ON attribution.tenant_logins;
CREATE POLICY tenant_isolation ON attribution.tenant_logins
USING (tenant_id = attribution.current_tenant())
WITH CHECK (tenant_id = attribution.current_tenant());

DROP POLICY IF EXISTS bound_login ON attribution.tenant_logins;
CREATE POLICY bound_login ON attribution.tenant_logins
AS RESTRICTIVE
USING (
    CASE
        WHEN current_user = 'attribution_engine' THEN true
        ELSE attribution.login_permits(attribution.current_tenant())
    END
);

DROP POLICY IF EXISTS engine ON attribution.tenant_logins;
CREATE POLICY engine ON attribution.tenant_logins TO attribution_engine
USING (true)
WITH CHECK (true);

COMMENT ON POLICY tenant_isolation ON attribution.tenant_logins IS 'A row is visible and writable to its tenant only.';
COMMENT ON POLICY bound_login ON attribution.tenant_logins IS 'A login bound in tenant_logins is held to its tenant, whatever it SETs.';
COMMENT ON POLICY engine ON attribution.tenant_logins IS 'The engine''s SECURITY DEFINER functions work across tenants.';
