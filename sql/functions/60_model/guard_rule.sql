-- guard_rule(): trigger that keeps rule versions immutable, and invalid ones from becoming active.
--
-- Trigger  BEFORE INSERT OR UPDATE ON attribution_rules FOR EACH ROW
-- Errors   RA001 something else than the status changes; RA003 the version is to be active and is invalid, every error in
--          the DETAIL

CREATE OR REPLACE FUNCTION attribution.guard_rule()
RETURNS trigger
LANGUAGE plpgsql
VOLATILE
SET search_path = attribution, pg_temp
AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND to_jsonb(NEW) - 'status' IS DISTINCT FROM to_jsonb(OLD) - 'status' THEN
        RAISE EXCEPTION USING
            ERRCODE = 'RA001',
            MESSAGE = 'a rule version is immutable',
            DETAIL = format('Rule %s, version %s: only its status may change.', OLD.name, OLD.version),
            HINT = 'Insert a new version and activate it.';
    END IF;
    IF NEW.status = 'active' AND (TG_OP = 'INSERT' OR OLD.status <> 'active') THEN
        PERFORM attribution.assert_rule(to_jsonb(NEW));
    END IF;
    RETURN NEW;
END
$$;

ALTER FUNCTION attribution.guard_rule() OWNER TO attribution_owner;

COMMENT ON FUNCTION attribution.guard_rule() IS
'Trigger: keeps rule versions immutable but for their status (RA001), and invalid ones from becoming active (RA003).';

REVOKE ALL ON FUNCTION attribution.guard_rule() FROM PUBLIC;
