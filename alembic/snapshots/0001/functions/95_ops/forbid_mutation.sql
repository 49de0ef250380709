-- forbid_mutation(): trigger that refuses to change, remove or truncate append-only rows.
--
-- Trigger  BEFORE UPDATE, DELETE or TRUNCATE, per statement, so that it also speaks up where no row matches or is visible;
--          per row only with a WHEN that has found a forbidden change
-- Errors   RA001, but for a DELETE in a transaction that has recorded an erasure (then forbid_delete() looks at each row)
-- Reads    tenant_erasures

CREATE OR REPLACE FUNCTION attribution.forbid_mutation()
RETURNS trigger
LANGUAGE plpgsql
VOLATILE
SET search_path = attribution, pg_temp
AS $$
BEGIN
    IF TG_OP = 'DELETE' AND EXISTS (
        SELECT FROM attribution.tenant_erasures AS e WHERE e.erased_at = now()
    ) THEN
        RETURN NULL;
    END IF;
    RAISE EXCEPTION USING
        ERRCODE = 'RA001',
        MESSAGE = format('%s is append-only: %s refused', TG_TABLE_NAME, TG_OP),
        DETAIL = 'Facts, allocations and ledger lines are never changed or removed; an allocation may only be marked superseded.',
        HINT = 'Record what is new with an INSERT: a correction is a new event or a new line. To remove a tenant with all its rows: attribution.erase_tenant().';
END
$$;

ALTER FUNCTION attribution.forbid_mutation() OWNER TO attribution_owner;

COMMENT ON FUNCTION attribution.forbid_mutation() IS
'Trigger: refuses UPDATE, DELETE and TRUNCATE of append-only rows (RA001), but for the erasure of a tenant.';

REVOKE ALL ON FUNCTION attribution.forbid_mutation() FROM PUBLIC;
