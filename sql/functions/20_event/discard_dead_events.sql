-- discard_dead_events(p_tenant, p_ids): say that dead events need no further attention.
--
-- p_ids    these; those that are resolved or discarded already are left alone
-- Returns  how many were discarded. Their rows stay.
-- Errors   RA004, RA009 see assert_tenant()
-- Writes   dead_events
-- SECURITY DEFINER: nobody but the engine changes dead events.

CREATE OR REPLACE FUNCTION attribution.discard_dead_events(p_tenant uuid, p_ids uuid[])
RETURNS int
LANGUAGE plpgsql
VOLATILE
SECURITY DEFINER
SET search_path = attribution, pg_temp
SET lock_timeout = '10s'
AS $$
DECLARE
    v_count int;
BEGIN
    PERFORM attribution.assert_tenant(p_tenant);
    UPDATE attribution.dead_events AS d
    SET remediation_status = 'discarded', next_retry_at = NULL
    WHERE d.tenant_id = p_tenant AND d.id = ANY (p_ids) AND d.remediation_status IN ('pending', 'retrying');
    GET DIAGNOSTICS v_count = ROW_COUNT;
    RETURN v_count;
END
$$;

ALTER FUNCTION attribution.discard_dead_events(uuid, uuid[]) OWNER TO attribution_engine;

COMMENT ON FUNCTION attribution.discard_dead_events(uuid, uuid[]) IS
'Says that dead events need no further attention; returns how many. Errors: RA004 unknown tenant, RA009 login bound to another.';

REVOKE ALL ON FUNCTION attribution.discard_dead_events(uuid, uuid[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.discard_dead_events(uuid, uuid[]) TO attribution_admin;
