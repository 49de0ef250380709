-- Guard: a row of allocation_overrides is removed only with its tenant (RA001).

CREATE OR REPLACE TRIGGER allocation_overrides_erased_only
BEFORE DELETE ON attribution.allocation_overrides
FOR EACH ROW
EXECUTE FUNCTION attribution.forbid_delete();

ALTER TABLE attribution.allocation_overrides ENABLE ALWAYS TRIGGER allocation_overrides_erased_only;

COMMENT ON TRIGGER allocation_overrides_erased_only ON attribution.allocation_overrides IS 'Guard: a row of allocation_overrides is removed only with its tenant (RA001).';
