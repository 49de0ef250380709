-- Guard: no statement changes or removes rows of ledger_batches (RA001), but for the erasure of a tenant.

CREATE OR REPLACE TRIGGER ledger_batches_append_only
BEFORE UPDATE OR DELETE OR TRUNCATE ON attribution.ledger_batches
FOR EACH STATEMENT
EXECUTE FUNCTION attribution.forbid_mutation();

ALTER TABLE attribution.ledger_batches ENABLE ALWAYS TRIGGER ledger_batches_append_only;

COMMENT ON TRIGGER ledger_batches_append_only ON attribution.ledger_batches IS 'Guard: no statement changes or removes rows of ledger_batches (RA001), but for the erasure of a tenant.';
