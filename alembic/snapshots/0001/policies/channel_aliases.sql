-- Row-level security of channel_aliases: global mappings and the context tenant's own.
--
-- bound_login names no column, so that the planner evaluates it once per statement and not per row. The engine's
-- functions work across tenants and check their p_tenant themselves.

ALTER TABLE attribution.channel_aliases ENABLE ROW LEVEL SECURITY;
ALTER TABLE attribution.channel_aliases FORCE ROW LEVEL SECURITY;

DROP POLICY IF EXISTS tenant_isolation ON attribution.channel_aliases;
CREATE POLICY tenant_isolation ON attribution.channel_aliases
USING (tenant_id IS NULL OR tenant_id = attribution.current_tenant())
WITH CHECK (tenant_id = attribution.current_tenant());

DROP POLICY IF EXISTS bound_login ON attribution.channel_aliases;
CREATE POLICY bound_login ON attribution.channel_aliases
AS RESTRICTIVE
USING (
    CASE
        WHEN current_user = 'attribution_engine' THEN true
        ELSE attribution.login_permits(attribution.current_tenant())
    END
);

DROP POLICY IF EXISTS engine ON attribution.channel_aliases;
CREATE POLICY engine ON attribution.channel_aliases TO attribution_engine
USING (true)
WITH CHECK (true);

COMMENT ON POLICY tenant_isolation ON attribution.channel_aliases IS 'Global mappings are visible to all, a tenant''s own to it only; only its own are writable.';
COMMENT ON POLICY bound_login ON attribution.channel_aliases IS 'A login bound in tenant_logins is held to its tenant, whatever it SETs.';
COMMENT ON POLICY engine ON attribution.channel_aliases IS 'The engine''s SECURITY DEFINER functions work across tenants.';
