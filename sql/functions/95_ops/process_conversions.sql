-- process_conversions(p_tenant, p_event_ids): attribute conversions; one that cannot be does not stop the others.
--
-- p_event_ids in ascending order, so that locks are taken in key order across calls
-- Returns     how many changed
-- Errors      40001, 40P01, 55P03: nothing is wrong with the conversions, the caller tries again
--
-- A list that fails is halved until the poison conversion stands alone, which is recorded: 1,000 conversions with one
-- bad take 20 calls.

CREATE OR REPLACE FUNCTION attribution.process_conversions(p_tenant uuid, p_event_ids uuid[])
RETURNS int
LANGUAGE plpgsql
VOLATILE
AS $$
DECLARE
    v_half int := cardinality(p_event_ids) / 2;
    v_state text;
    v_message text;
    v_detail text;
    v_hint text;
BEGIN
    IF cardinality(p_event_ids) = 0 THEN
        RETURN 0;
    END IF;
    BEGIN
        RETURN attribution.attribute_conversions(p_tenant, p_event_ids);
    EXCEPTION
        WHEN serialization_failure OR deadlock_detected OR lock_not_available THEN
            RAISE;
        WHEN OTHERS THEN -- kept with its SQLSTATE, detail and hint once the conversion stands alone
            GET STACKED DIAGNOSTICS
                v_state = RETURNED_SQLSTATE, v_message = MESSAGE_TEXT,
                v_detail = PG_EXCEPTION_DETAIL, v_hint = PG_EXCEPTION_HINT;
    END;
    IF v_half = 0 THEN
        PERFORM attribution.record_failure(p_tenant, p_event_ids, v_state, v_message, v_detail, v_hint);
        RETURN 0;
    END IF;
    RETURN attribution.process_conversions(p_tenant, p_event_ids[:v_half])
        + attribution.process_conversions(p_tenant, p_event_ids[v_half + 1:]);
END
$$;

ALTER FUNCTION attribution.process_conversions(uuid, uuid[]) OWNER TO attribution_owner;

COMMENT ON FUNCTION attribution.process_conversions(uuid, uuid[]) IS
'Attributes conversions; a list that fails is halved until the bad one stands alone and is recorded. Returns how many changed.';

REVOKE ALL ON FUNCTION attribution.process_conversions(uuid, uuid[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.process_conversions(uuid, uuid[]) TO attribution_engine;
