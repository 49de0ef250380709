-- Guard: a row of reconciliation_runs is removed only with its tenant (RA001).

CREATE OR REPLACE TRIGGER reconciliation_runs_erased_only
BEFORE DELETE ON attribution.reconciliation_runs
FOR EACH ROW
EXECUTE FUNCTION attribution.forbid_delete();

ALTER TABLE attribution.reconciliation_runs ENABLE ALWAYS TRIGGER reconciliation_runs_erased_only;

COMMENT ON TRIGGER reconciliation_runs_erased_only ON attribution.reconciliation_runs IS 'Guard: a row of reconciliation_runs is removed only with its tenant (RA001).';
