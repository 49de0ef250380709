-- forbid_delete(): trigger that lets a row be deleted only with its tenant.
--
-- Trigger  BEFORE DELETE FOR EACH ROW
-- Errors   RA001 unless this very transaction has recorded the erasure of the row's tenant
-- Reads    tenant_erasures

CREATE OR REPLACE FUNCTION attribution.forbid_delete()
RETURNS trigger
LANGUAGE plpgsql
VOLATILE
SET search_path = attribution, pg_temp
AS $$
DECLARE
    v_row jsonb := to_jsonb(OLD);
BEGIN
    IF EXISTS (
        SELECT
        FROM attribution.tenant_erasures AS e
        WHERE e.erased_tenant_id = coalesce(v_row ->> 'tenant_id', v_row ->> 'id')::uuid AND e.erased_at = now()
    ) THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION USING
        ERRCODE = 'RA001',
        MESSAGE = format('%s is append-only: DELETE refused', TG_TABLE_NAME),
        DETAIL = 'Rows disappear only with their tenant.',
        HINT = 'To remove a tenant with all its rows: attribution.erase_tenant().';
END
$$;

ALTER FUNCTION attribution.forbid_delete() OWNER TO attribution_owner;

COMMENT ON FUNCTION attribution.forbid_delete() IS
'Trigger: lets a row be deleted only with its tenant, else RA001.';

REVOKE ALL ON FUNCTION attribution.forbid_delete() FROM PUBLIC;
