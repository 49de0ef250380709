-- Guard: no statement changes or removes rows of revenue_ledger (RA001), but for the erasure of a tenant.

CREATE OR REPLACE TRIGGER revenue_ledger_append_only
BEFORE UPDATE OR DELETE OR TRUNCATE ON attribution.revenue_ledger
FOR EACH STATEMENT
EXECUTE FUNCTION attribution.forbid_mutation();

ALTER TABLE attribution.revenue_ledger ENABLE ALWAYS TRIGGER revenue_ledger_append_only;

COMMENT ON TRIGGER revenue_ledger_append_only ON attribution.revenue_ledger IS 'Guard: no statement changes or removes rows of revenue_ledger (RA001), but for the erasure of a tenant.';
