-- replay_dead_events(p_tenant, p_ids, p_error_code, p_only_due, p_limit): try dead events again.
--
-- p_ids         these; null: all that are pending
-- p_error_code  only with this code; null: any
-- p_only_due    only those whose automatic retry is due
-- p_limit       at most so many, oldest first
-- Returns       per dead event: status resolved (resolved_event_id is the event, new or accepted before), or pending with what
--               is wrong now; error_code other than before: the new dead event takes its place and this one is discarded
-- Errors        RA004, RA009 see assert_tenant()
-- Writes        attribution_events as a plain INSERT does, dead_events
-- SECURITY DEFINER: nobody but the engine changes dead events. The tenant is put in context for the while.

CREATE OR REPLACE FUNCTION attribution.replay_dead_events(
    p_tenant uuid,
    p_ids uuid[] DEFAULT NULL,
    p_error_code text DEFAULT NULL,
    p_only_due boolean DEFAULT false,
    p_limit int DEFAULT 1000
)
RETURNS TABLE (dead_event_id uuid, status text, resolved_event_id uuid, error_code text, error_message text)
LANGUAGE plpgsql
VOLATILE
SECURITY DEFINER
SET search_path = attribution, pg_temp
SET lock_timeout = '10s'
AS $$
DECLARE
    v_context text := coalesce(current_setting('app.current_tenant_id', true), '');
    v_on_invalid text := coalesce(current_setting('attribution.on_invalid', true), '');
    v_now timestamptz := clock_timestamp();
    v_ids uuid[];
    v_events jsonb;
BEGIN
    PERFORM attribution.assert_tenant(p_tenant);
    v_ids := ARRAY(
        SELECT d.id
        FROM attribution.dead_events AS d
        WHERE d.tenant_id = p_tenant AND d.remediation_status IN ('pending', 'retrying')
            AND (p_ids IS NULL OR d.id = ANY (p_ids))
            AND (p_error_code IS NULL OR d.error_code = p_error_code)
            AND (NOT p_only_due OR d.next_retry_at <= v_now)
        ORDER BY d.id
        LIMIT p_limit
        FOR UPDATE SKIP LOCKED
    );
    SELECT jsonb_agg(d.raw_payload ORDER BY d.id) INTO v_events
    FROM attribution.dead_events AS d
    WHERE d.tenant_id = p_tenant AND d.id = ANY (v_ids);
    IF v_events IS NULL THEN
        RETURN;
    END IF;

    EXECUTE format('SET LOCAL app.current_tenant_id = %L', p_tenant);
    PERFORM set_config('attribution.on_invalid', 'quarantine', true);
    RETURN QUERY
    WITH verdicts AS MATERIALIZED (
        SELECT i.* FROM attribution.ingest_events(v_events) AS i
    ),
    updated AS (
        UPDATE attribution.dead_events AS d
        SET
            remediation_status = CASE
                WHEN v.status <> 'quarantined' THEN 'resolved'
                WHEN v.dead_event_id <> d.id THEN 'discarded'
                ELSE 'pending'
            END,
            resolved_event_id = v.event_id,
            retry_count = d.retry_count + 1,
            last_retry_at = v_now,
            next_retry_at = CASE
                WHEN v.status = 'quarantined' AND v.dead_event_id = d.id AND d.retry_count + 1 < 5
                    THEN v_now + interval '1 hour' * power(2, d.retry_count + 1)
            END
        FROM verdicts AS v
        WHERE d.tenant_id = p_tenant AND d.id = v_ids[v.number]
        RETURNING d.id, d.remediation_status, d.resolved_event_id, v.error_code, v.error_message
    )
    SELECT u.id, u.remediation_status, u.resolved_event_id, u.error_code, u.error_message
    FROM updated AS u
    ORDER BY u.id;
    EXECUTE format('SET LOCAL app.current_tenant_id = %L', v_context);
    PERFORM set_config('attribution.on_invalid', v_on_invalid, true);
END
$$;

ALTER FUNCTION attribution.replay_dead_events(uuid, uuid[], text, boolean, int) OWNER TO attribution_engine;

COMMENT ON FUNCTION attribution.replay_dead_events(uuid, uuid[], text, boolean, int) IS
'Tries dead events again: each becomes an event and is resolved, or stays with what is wrong now. Errors: RA004 unknown tenant, RA009 login bound to another.';

REVOKE ALL ON FUNCTION attribution.replay_dead_events(uuid, uuid[], text, boolean, int) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.replay_dead_events(uuid, uuid[], text, boolean, int) TO attribution_admin;
