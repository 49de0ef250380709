-- Guard: a row of revenue_ledger is removed only with its tenant (RA001).

CREATE OR REPLACE TRIGGER revenue_ledger_erased_only
BEFORE DELETE ON attribution.revenue_ledger
FOR EACH ROW
EXECUTE FUNCTION attribution.forbid_delete();

ALTER TABLE attribution.revenue_ledger ENABLE ALWAYS TRIGGER revenue_ledger_erased_only;

COMMENT ON TRIGGER revenue_ledger_erased_only ON attribution.revenue_ledger IS 'Guard: a row of revenue_ledger is removed only with its tenant (RA001).';
