-- rebuild(p_tenant, p_from, p_to): compute every conversion of a period again.
--
-- p_from, p_to  conversions with p_from <= occurred_at < p_to
-- Returns  conversions looked at, and how many changed: 0 when the incremental path was right
-- Errors   RA004, RA009; 25001 outside READ COMMITTED
-- Writes   see attribute_conversions(); nothing where nothing changed
-- SECURITY DEFINER: nobody but the engine writes allocations and the ledger.

CREATE OR REPLACE FUNCTION attribution.rebuild(
    p_tenant uuid,
    p_from timestamptz DEFAULT '-infinity',
    p_to timestamptz DEFAULT 'infinity'
)
RETURNS TABLE (conversions bigint, changed bigint)
LANGUAGE plpgsql
VOLATILE
SECURITY DEFINER
SET search_path = attribution, pg_temp
SET lock_timeout = '10s'
AS $$
DECLARE
    v_slice constant int := 1000;
    v_ids uuid[];
BEGIN
    PERFORM attribution.require_read_committed();
    PERFORM attribution.assert_tenant(p_tenant);

    v_ids := ARRAY(
        SELECT e.id
        FROM attribution.attribution_events AS e
        WHERE e.tenant_id = p_tenant AND e.event_kind = 'conversion' AND e.occurred_at >= p_from AND e.occurred_at < p_to
        ORDER BY e.id
    );
    PERFORM attribution.lock_conversions(p_tenant, attribution.conversions_of(p_tenant, v_ids));
    conversions := cardinality(v_ids)::bigint;
    changed := 0::bigint;
    FOR v_start IN 1..cardinality(v_ids) BY v_slice LOOP
        changed := changed + attribution.process_conversions(p_tenant, v_ids[v_start:v_start + v_slice - 1])::bigint;
    END LOOP;
    RETURN NEXT;
END
$$;

ALTER FUNCTION attribution.rebuild(uuid, timestamptz, timestamptz) OWNER TO attribution_engine;

COMMENT ON FUNCTION attribution.rebuild(uuid, timestamptz, timestamptz) IS
'Computes every conversion of a period again; returns conversions looked at and changed (0 when all was right). Errors: RA004, RA009, 25001.';

REVOKE ALL ON FUNCTION attribution.rebuild(uuid, timestamptz, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.rebuild(uuid, timestamptz, timestamptz) TO attribution_admin;
