-- Guard: an allocation is marked superseded once, and stays so (RA001).

CREATE OR REPLACE TRIGGER attribution_allocations_superseded_once
BEFORE UPDATE ON attribution.attribution_allocations
FOR EACH ROW
WHEN (old.superseded_at IS NOT NULL OR new.superseded_at IS NULL)
EXECUTE FUNCTION attribution.forbid_mutation();

ALTER TABLE attribution.attribution_allocations ENABLE ALWAYS TRIGGER attribution_allocations_superseded_once;

COMMENT ON TRIGGER attribution_allocations_superseded_once ON attribution.attribution_allocations IS 'Guard: an allocation is marked superseded once, and stays so (RA001).';
