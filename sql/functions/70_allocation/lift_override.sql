-- lift_override(p_tenant, p_transaction_id, p_lifted_by, p_reason): give a sale back to the rules.
--
-- p_lifted_by  who decided
-- p_reason     why
-- Returns      id in allocation_overrides of the record that lifts
-- Errors       RA004 unknown tenant or transaction, or no override in force; RA005 no name, no reason; RA009 the login is
--              bound to another tenant; 25001 outside READ COMMITTED; 55P03 the sale is being worked on
-- Writes       allocation_overrides, and what attribute_conversions() writes
-- SECURITY DEFINER: nobody but the engine writes allocations and the ledger.

CREATE OR REPLACE FUNCTION attribution.lift_override(p_tenant uuid, p_transaction_id text, p_lifted_by text, p_reason text)
RETURNS uuid
LANGUAGE plpgsql
VOLATILE
SECURITY DEFINER
SET search_path = attribution, pg_temp
SET lock_timeout = '10s'
AS $$
BEGIN
    PERFORM attribution.assert_tenant(p_tenant);
    RETURN attribution.record_override(p_tenant, p_transaction_id, NULL, p_lifted_by, p_reason);
END
$$;

ALTER FUNCTION attribution.lift_override(uuid, text, text, text) OWNER TO attribution_engine;

COMMENT ON FUNCTION attribution.lift_override(uuid, text, text, text) IS
'Gives a sale that was divided by hand back to the rules. Errors: RA004 unknown tenant or transaction or no override, RA005 no name or reason, RA009, 25001, 55P03.';

REVOKE ALL ON FUNCTION attribution.lift_override(uuid, text, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.lift_override(uuid, text, text, text) TO attribution_admin;
