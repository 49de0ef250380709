-- record_override(p_tenant, p_transaction_id, p_shares, …): put a division by hand, or the lifting of one, on record and post it.
--
-- p_shares       see parse_shares(); null: lift the division in force
-- p_override_by  who decided, p_reason why
-- Returns        id of the record
-- Errors         RA004 no such transaction, or nothing to lift; RA005 no name or reason; 25001 outside READ COMMITTED
-- Writes         allocation_overrides, and what attribute_conversions() writes

CREATE OR REPLACE FUNCTION attribution.record_override(
    p_tenant uuid,
    p_transaction_id text,
    p_shares jsonb,
    p_override_by text,
    p_reason text
)
RETURNS uuid
LANGUAGE plpgsql
VOLATILE
AS $$
DECLARE
    v_events uuid[];
    v_id uuid := attribution.uuid_v7();
    v_sequence int;
    v_shares jsonb;
BEGIN
    PERFORM attribution.require_read_committed();
    IF coalesce(octet_length(btrim(p_override_by)), 0) NOT BETWEEN 1 AND 200
        OR coalesce(octet_length(btrim(p_reason)), 0) NOT BETWEEN 1 AND 2000 THEN
        RAISE EXCEPTION USING
            ERRCODE = 'RA005',
            MESSAGE = 'an override has a name and a reason',
            DETAIL = 'Somebody will ask who divided this sale by hand, and why: override_by has 1 to 200 bytes, reason 1 to 2000.',
            HINT = 'Give both.';
    END IF;

    v_events := ARRAY(
        SELECT e.id
        FROM attribution.attribution_events AS e
        WHERE e.tenant_id = p_tenant AND coalesce(e.transaction_id, e.id::text) = p_transaction_id AND e.event_kind = 'conversion'
        ORDER BY e.id
    );
    IF cardinality(v_events) = 0 THEN
        RAISE EXCEPTION USING
            ERRCODE = 'RA004',
            MESSAGE = format('no transaction %L', p_transaction_id),
            DETAIL = 'No conversion of the tenant has this transaction_id.',
            HINT = 'Check the id; a conversion sent without one goes by its event id.';
    END IF;
    -- Overrides of one transaction stand in line here; the newest is read in the next statement.
    PERFORM attribution.lock_conversions(p_tenant, v_events);
    SELECT o.sequence, o.shares INTO v_sequence, v_shares
    FROM attribution.allocation_overrides AS o
    WHERE o.tenant_id = p_tenant AND o.transaction_id = p_transaction_id
    ORDER BY o.sequence DESC
    LIMIT 1;
    IF p_shares IS NULL AND v_shares IS NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'RA004',
            MESSAGE = format('transaction %L is not divided by hand', p_transaction_id),
            DETAIL = 'There is no override in force.',
            HINT = 'List them: SELECT * FROM attribution.allocation_overrides, or ctl override list.';
    END IF;

    INSERT INTO attribution.allocation_overrides (tenant_id, id, transaction_id, sequence, shares, override_by, reason)
    VALUES (
        p_tenant, v_id, p_transaction_id, coalesce(v_sequence, 0) + 1,
        CASE WHEN p_shares IS NOT NULL THEN attribution.parse_shares(p_shares) END, btrim(p_override_by), btrim(p_reason)
    );
    PERFORM attribution.attribute_conversions(p_tenant, v_events);
    RETURN v_id;
END
$$;

ALTER FUNCTION attribution.record_override(uuid, text, jsonb, text, text) OWNER TO attribution_owner;

COMMENT ON FUNCTION attribution.record_override(uuid, text, jsonb, text, text) IS
'Puts a division by hand, or the lifting of one (null shares), on record and posts it; returns its id. Errors: RA004, RA005, 25001.';

REVOKE ALL ON FUNCTION attribution.record_override(uuid, text, jsonb, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.record_override(uuid, text, jsonb, text, text) TO attribution_engine;
