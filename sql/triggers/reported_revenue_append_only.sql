-- Guard: no statement changes or removes rows of reported_revenue (RA001), but for the erasure of a tenant.

CREATE OR REPLACE TRIGGER reported_revenue_append_only
BEFORE UPDATE OR DELETE OR TRUNCATE ON attribution.reported_revenue
FOR EACH STATEMENT
EXECUTE FUNCTION attribution.forbid_mutation();

ALTER TABLE attribution.reported_revenue ENABLE ALWAYS TRIGGER reported_revenue_append_only;

COMMENT ON TRIGGER reported_revenue_append_only ON attribution.reported_revenue IS 'Guard: no statement changes or removes rows of reported_revenue (RA001), but for the erasure of a tenant.';
