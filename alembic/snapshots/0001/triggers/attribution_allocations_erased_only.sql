-- Guard: a row of attribution_allocations is removed only with its tenant (RA001).

CREATE OR REPLACE TRIGGER attribution_allocations_erased_only
BEFORE DELETE ON attribution.attribution_allocations
FOR EACH ROW
EXECUTE FUNCTION attribution.forbid_delete();

ALTER TABLE attribution.attribution_allocations ENABLE ALWAYS TRIGGER attribution_allocations_erased_only;

COMMENT ON TRIGGER attribution_allocations_erased_only ON attribution.attribution_allocations IS 'Guard: a row of attribution_allocations is removed only with its tenant (RA001).';
