-- Guard: no statement removes rows of reconciliation_runs (RA001), but for the erasure of a tenant.

CREATE OR REPLACE TRIGGER reconciliation_runs_kept
BEFORE DELETE OR TRUNCATE ON attribution.reconciliation_runs
FOR EACH STATEMENT
EXECUTE FUNCTION attribution.forbid_mutation();

ALTER TABLE attribution.reconciliation_runs ENABLE ALWAYS TRIGGER reconciliation_runs_kept;

COMMENT ON TRIGGER reconciliation_runs_kept ON attribution.reconciliation_runs IS 'Guard: no statement removes rows of reconciliation_runs (RA001), but for the erasure of a tenant.';
