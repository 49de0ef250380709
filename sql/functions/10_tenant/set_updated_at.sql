-- set_updated_at(): trigger that keeps updated_at true.
--
-- Trigger  BEFORE UPDATE FOR EACH ROW

CREATE OR REPLACE FUNCTION attribution.set_updated_at()
RETURNS trigger
LANGUAGE plpgsql
VOLATILE
SET search_path = attribution, pg_temp
AS $$
BEGIN
    NEW.updated_at := clock_timestamp();
    RETURN NEW;
END
$$;

ALTER FUNCTION attribution.set_updated_at() OWNER TO attribution_owner;

COMMENT ON FUNCTION attribution.set_updated_at() IS
'Trigger: keeps updated_at true.';

REVOKE ALL ON FUNCTION attribution.set_updated_at() FROM PUBLIC;
