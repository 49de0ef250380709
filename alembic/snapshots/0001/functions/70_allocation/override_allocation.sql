-- override_allocation(p_tenant, p_transaction_id, p_shares, p_override_by, p_reason): divide a sale by hand.
--
-- p_transaction_id  the sale; or a conversion's id, where the sender named none
-- p_shares          {"email": 60, "direct": 40}; see parse_shares()
-- p_override_by     who decided
-- p_reason          why
-- Returns           id in allocation_overrides
-- Errors            RA004 unknown tenant, transaction or channel; RA005 shares do not sum to 100%, no name, no reason;
--                   RA009 the login is bound to another tenant; 25001 outside READ COMMITTED; 55P03 the sale is being worked on
-- Writes            allocation_overrides, and what attribute_conversions() writes
--
-- Stands in place of the book rule's shares until it is lifted or overridden: late touches, new rules and rebuilds leave
-- it alone, refunds are taken from it. Shadow rules are not affected.
-- SECURITY DEFINER: nobody but the engine writes allocations and the ledger.

CREATE OR REPLACE FUNCTION attribution.override_allocation(
    p_tenant uuid,
    p_transaction_id text,
    p_shares jsonb,
    p_override_by text,
    p_reason text
)
RETURNS uuid
LANGUAGE plpgsql
VOLATILE
SECURITY DEFINER
SET search_path = attribution, pg_temp
SET lock_timeout = '10s'
AS $$
BEGIN
    PERFORM attribution.assert_tenant(p_tenant);
    IF p_shares IS NULL THEN
        PERFORM attribution.parse_shares(p_shares); -- says what is missing: null would lift
    END IF;
    RETURN attribution.record_override(p_tenant, p_transaction_id, p_shares, p_override_by, p_reason);
END
$$;

ALTER FUNCTION attribution.override_allocation(uuid, text, jsonb, text, text) OWNER TO attribution_engine;

COMMENT ON FUNCTION attribution.override_allocation(uuid, text, jsonb, text, text) IS
'Divides a sale by hand, until it is lifted; returns the overrides id. Errors: RA004 unknown tenant, transaction or channel, RA005 not 100%, RA009, 25001, 55P03.';

REVOKE ALL ON FUNCTION attribution.override_allocation(uuid, text, jsonb, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.override_allocation(uuid, text, jsonb, text, text) TO attribution_admin;
