-- Guard: no statement changes or removes rows of revenue_verifications (RA001), but for the erasure of a tenant.

CREATE OR REPLACE TRIGGER revenue_verifications_append_only
BEFORE UPDATE OR DELETE OR TRUNCATE ON attribution.revenue_verifications
FOR EACH STATEMENT
EXECUTE FUNCTION attribution.forbid_mutation();

ALTER TABLE attribution.revenue_verifications ENABLE ALWAYS TRIGGER revenue_verifications_append_only;

COMMENT ON TRIGGER revenue_verifications_append_only ON attribution.revenue_verifications IS 'Guard: no statement changes or removes rows of revenue_verifications (RA001), but for the erasure of a tenant.';
