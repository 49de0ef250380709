-- process_batch(p_tenant, p_limit): claim queued events of a tenant, and do what they ask for, in one transaction.
--
-- p_limit  queue rows, and due retries, to take at most
-- Returns  queue rows, retries and dead events taken; 0: nothing to do, or others are at it
-- Errors   RA004, RA009; 25001 outside READ COMMITTED; 40001, 40P01, 55P03 (another try will do; nothing is lost, since
--          the claim is undone with the transaction)
-- Writes   deletes from work_queue; unfolded_changes; see attribute_conversions()
-- SECURITY DEFINER: nobody but the engine writes allocations and the ledger. A lock that is not granted in 10 seconds
-- ends the try, so that no runner waits for ever behind a forgotten transaction.

CREATE OR REPLACE FUNCTION attribution.process_batch(p_tenant uuid, p_limit int DEFAULT 1000)
RETURNS int
LANGUAGE plpgsql
VOLATILE
SECURITY DEFINER
SET search_path = attribution, pg_temp
SET lock_timeout = '10s'
AS $$
DECLARE
    v_slice constant int := 1000; -- conversions per statement: bounds memory, and what a poison one costs
    v_claimed uuid[];
    v_events uuid[];
    v_retries uuid[];
    v_conversions uuid[];
    v_replayed int;
BEGIN
    PERFORM attribution.require_read_committed();
    PERFORM attribution.assert_tenant(p_tenant);

    v_claimed := ARRAY(
        SELECT q.id
        FROM attribution.work_queue AS q
        WHERE q.tenant_id = p_tenant
        ORDER BY q.id
        LIMIT p_limit
        FOR UPDATE SKIP LOCKED
    );
    WITH taken AS (
        DELETE FROM attribution.work_queue AS q
        WHERE q.tenant_id = p_tenant AND q.id = ANY (v_claimed)
        RETURNING q.event_ids, q.fx_currency, q.fx_days
    )
    SELECT array_agg(e.id) INTO v_events
    FROM (
        SELECT i.id FROM taken AS t CROSS JOIN LATERAL unnest(t.event_ids) AS i (id)
        UNION ALL
        SELECT i.id
        FROM taken AS t
        CROSS JOIN LATERAL unnest(attribution.sales_of_days(p_tenant, t.fx_currency, t.fx_days)) AS i (id)
        WHERE t.fx_currency IS NOT NULL
    ) AS e;

    IF v_events IS NOT NULL THEN -- what the queue no longer holds, the summaries of journeys still lack
        INSERT INTO attribution.unfolded_changes (tenant_id, event_ids) VALUES (p_tenant, v_events);
    END IF;

    v_retries := ARRAY(
        SELECT p.event_id
        FROM attribution.event_processing AS p
        WHERE p.tenant_id = p_tenant AND p.processing_status = 'failed' AND p.next_retry_at <= clock_timestamp()
        ORDER BY p.event_id
        LIMIT p_limit
        FOR UPDATE SKIP LOCKED
    );

    SELECT count(*)::int INTO v_replayed FROM attribution.replay_dead_events(p_tenant, p_only_due => true, p_limit => p_limit);

    v_conversions := attribution.conversions_affected_by(p_tenant, v_events || v_retries);
    PERFORM attribution.lock_conversions(p_tenant, v_conversions);
    FOR v_from IN 1..cardinality(v_conversions) BY v_slice LOOP
        PERFORM attribution.process_conversions(p_tenant, v_conversions[v_from:v_from + v_slice - 1]);
    END LOOP;
    RETURN cardinality(v_claimed) + cardinality(v_retries) + v_replayed;
END
$$;

ALTER FUNCTION attribution.process_batch(uuid, int) OWNER TO attribution_engine;

COMMENT ON FUNCTION attribution.process_batch(uuid, int) IS
'Claims queued events and due retries of a tenant and processes them in the caller''s transaction; returns how many. Errors: RA004, RA009, 25001, and 40001, 40P01, 55P03 that another try settles.';

REVOKE ALL ON FUNCTION attribution.process_batch(uuid, int) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.process_batch(uuid, int) TO attribution_admin;
