-- process_new_events(): statement trigger that queues the statement's events and attributes its conversions at once.
--
-- Trigger  AFTER INSERT ON attribution_events REFERENCING NEW TABLE AS new_events FOR EACH STATEMENT
-- Reads    new_events alone (a transition table joined with anything does not survive sharding), tenants
-- Writes   work_queue, event_processing, and what attribute_conversions() writes
-- SECURITY DEFINER: an app may write none of these.
--
-- Conversions are queued even when they are attributed here: a touch that another transaction has inserted and not yet
-- committed is invisible now, and whoever commits last must have the journey looked at again. A refund whose sale is being
-- worked on is left to the queue: the app waits for nobody.

CREATE OR REPLACE FUNCTION attribution.process_new_events()
RETURNS trigger
LANGUAGE plpgsql
VOLATILE
SECURITY DEFINER
SET search_path = attribution, pg_temp
AS $$
DECLARE
    v_tenant uuid := attribution.current_tenant();
    v_events uuid[];
    v_has_revenue boolean;
    v_conversions uuid[];
    v_refunds uuid[]; -- and disputes
    v_state text;
    v_message text;
    v_detail text;
    v_hint text;
BEGIN
    SELECT array_agg(n.id), bool_or(n.event_kind IN ('conversion', 'refund', 'dispute')) INTO v_events, v_has_revenue
    FROM new_events AS n
    WHERE n.event_kind <> 'other';

    IF v_events IS NULL THEN
        RETURN NULL;
    END IF;
    INSERT INTO attribution.work_queue (tenant_id, event_ids) VALUES (v_tenant, v_events);
    IF NOT v_has_revenue THEN
        RETURN NULL;
    END IF;

    SELECT
        array_agg(n.id ORDER BY n.id) FILTER (WHERE n.event_kind = 'conversion'),
        array_agg(n.id ORDER BY n.id) FILTER (WHERE n.event_kind IN ('refund', 'dispute'))
    INTO v_conversions, v_refunds
    FROM new_events AS n;
    INSERT INTO attribution.event_processing (tenant_id, event_id)
    SELECT v_tenant, e.id FROM unnest(v_conversions || v_refunds) AS e (id);

    IF NOT EXISTS (
        SELECT FROM attribution.tenants AS t WHERE t.id = v_tenant AND t.settings ->> 'mode' = 'deferred'
    ) THEN
        BEGIN
            PERFORM attribution.attribute_conversions(v_tenant, v_conversions || v_refunds, p_wait => false);
        EXCEPTION
            WHEN OTHERS THEN -- the app's INSERT must not fail for it; the error is kept and retried
                GET STACKED DIAGNOSTICS
                    v_state = RETURNED_SQLSTATE, v_message = MESSAGE_TEXT,
                    v_detail = PG_EXCEPTION_DETAIL, v_hint = PG_EXCEPTION_HINT;
                PERFORM attribution.record_failure(v_tenant, v_conversions, v_state, v_message, v_detail, v_hint);
        END;
    END IF;
    RETURN NULL;
END
$$;

ALTER FUNCTION attribution.process_new_events() OWNER TO attribution_engine;

COMMENT ON FUNCTION attribution.process_new_events() IS
'Statement trigger of attribution_events: queues the new events and, unless the tenant is deferred, attributes the new conversions. Never fails the INSERT.';

REVOKE ALL ON FUNCTION attribution.process_new_events() FROM PUBLIC;
