-- Row-level security of work_queue: the tenant in context, no other; and no login beyond the tenant it is bound to.
--
-- bound_login names no column, so that the planner evaluates it once per statement and not per row. The engine's
-- functions work across tenants and check their p_tenant themselves.

ALTER TABLE attribution.work_queue ENABLE ROW LEVEL SECURITY;
ALTER TABLE attribution.work_queue FORCE ROW LEVEL SECURITY;

DROP POLICY IF EXISTS tenant_isolation ON attribution.work_queue;
CREATE POLICY tenant_isolation ON attribution.work_queue
USING (tenant_id = attribution.current_tenant())
WITH CHECK (tenant_id = attribution.current_tenant());

DROP POLICY IF EXISTS bound_login ON attribution.work_queue;
CREATE POLICY bound_login ON attribution.work_queue
AS RESTRICTIVE
USING (
    CASE
        WHEN current_user = 'attribution_engine' THEN true
        ELSE attribution.login_permits(attribution.current_tenant())
    END
);

DROP POLICY IF EXISTS engine ON attribution.work_queue;
CREATE POLICY engine ON attribution.work_queue TO attribution_engine
USING (true)
WITH CHECK (true);

COMMENT ON POLICY tenant_isolation ON attribution.work_queue IS 'A row is visible and writable to its tenant only.';
COMMENT ON POLICY bound_login ON attribution.work_queue IS 'A login bound in tenant_logins is held to its tenant, whatever it SETs.';
COMMENT ON POLICY engine ON attribution.work_queue IS 'The engine''s SECURITY DEFINER functions work across tenants.';
