-- Guard: a row of tenants is removed only with its tenant (RA001).

CREATE OR REPLACE TRIGGER tenants_erased_only
BEFORE DELETE ON attribution.tenants
FOR EACH ROW
EXECUTE FUNCTION attribution.forbid_delete();

ALTER TABLE attribution.tenants ENABLE ALWAYS TRIGGER tenants_erased_only;

COMMENT ON TRIGGER tenants_erased_only ON attribution.tenants IS 'Guard: a row of tenants is removed only with its tenant (RA001).';
