-- Guard: a row of ledger_batches is removed only with its tenant (RA001).

CREATE OR REPLACE TRIGGER ledger_batches_erased_only
BEFORE DELETE ON attribution.ledger_batches
FOR EACH ROW
EXECUTE FUNCTION attribution.forbid_delete();

ALTER TABLE attribution.ledger_batches ENABLE ALWAYS TRIGGER ledger_batches_erased_only;

COMMENT ON TRIGGER ledger_batches_erased_only ON attribution.ledger_batches IS 'Guard: a row of ledger_batches is removed only with its tenant (RA001).';
