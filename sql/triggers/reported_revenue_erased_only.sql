-- Guard: a row of reported_revenue is removed only with its tenant (RA001).

CREATE OR REPLACE TRIGGER reported_revenue_erased_only
BEFORE DELETE ON attribution.reported_revenue
FOR EACH ROW
EXECUTE FUNCTION attribution.forbid_delete();

ALTER TABLE attribution.reported_revenue ENABLE ALWAYS TRIGGER reported_revenue_erased_only;

COMMENT ON TRIGGER reported_revenue_erased_only ON attribution.reported_revenue IS 'Guard: a row of reported_revenue is removed only with its tenant (RA001).';
