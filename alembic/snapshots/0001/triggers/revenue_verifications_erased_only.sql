-- Guard: a row of revenue_verifications is removed only with its tenant (RA001).

CREATE OR REPLACE TRIGGER revenue_verifications_erased_only
BEFORE DELETE ON attribution.revenue_verifications
FOR EACH ROW
EXECUTE FUNCTION attribution.forbid_delete();

ALTER TABLE attribution.revenue_verifications ENABLE ALWAYS TRIGGER revenue_verifications_erased_only;

COMMENT ON TRIGGER revenue_verifications_erased_only ON attribution.revenue_verifications IS 'Guard: a row of revenue_verifications is removed only with its tenant (RA001).';
