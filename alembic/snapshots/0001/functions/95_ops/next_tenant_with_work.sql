-- next_tenant_with_work(p_after): the next tenant, in id order, with queued events, due retries or due dead events.
--
-- p_after  the tenant served last; null: from the start
-- Returns  a tenant's id that the login may work for, or null
-- Reads    work_queue, event_processing, tenants
-- SECURITY DEFINER: looks at the queue across tenants, and tells admins only.

CREATE OR REPLACE FUNCTION attribution.next_tenant_with_work(p_after uuid)
RETURNS uuid
LANGUAGE sql
STABLE
SECURITY DEFINER
SET search_path = attribution, pg_temp
AS $$
    SELECT t.id
    FROM attribution.tenants AS t
    WHERE (p_after IS NULL OR t.id > p_after)
        AND attribution.login_permits(t.id)
        AND (
            EXISTS (SELECT FROM attribution.work_queue AS q WHERE q.tenant_id = t.id)
            OR EXISTS (
                SELECT FROM attribution.event_processing AS p
                WHERE p.tenant_id = t.id AND p.processing_status = 'failed' AND p.next_retry_at <= clock_timestamp()
            )
            OR EXISTS (
                SELECT FROM attribution.dead_events AS d
                WHERE d.tenant_id = t.id AND d.remediation_status IN ('pending', 'retrying')
                    AND d.next_retry_at <= clock_timestamp()
            )
        )
    ORDER BY t.id
    LIMIT 1
$$;

ALTER FUNCTION attribution.next_tenant_with_work(uuid) OWNER TO attribution_engine;

COMMENT ON FUNCTION attribution.next_tenant_with_work(uuid) IS
'The next tenant, in id order, with queued events or due retries; null when none.';

REVOKE ALL ON FUNCTION attribution.next_tenant_with_work(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.next_tenant_with_work(uuid) TO attribution_admin;
