-- Guard: no statement changes or removes rows of allocation_overrides (RA001), but for the erasure of a tenant.

CREATE OR REPLACE TRIGGER allocation_overrides_append_only
BEFORE UPDATE OR DELETE OR TRUNCATE ON attribution.allocation_overrides
FOR EACH STATEMENT
EXECUTE FUNCTION attribution.forbid_mutation();

ALTER TABLE attribution.allocation_overrides ENABLE ALWAYS TRIGGER allocation_overrides_append_only;

COMMENT ON TRIGGER allocation_overrides_append_only ON attribution.allocation_overrides IS 'Guard: no statement changes or removes rows of allocation_overrides (RA001), but for the erasure of a tenant.';
