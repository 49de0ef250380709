-- Guard: no statement changes or removes rows of ledger_seals (RA001), but for the erasure of a tenant.

CREATE OR REPLACE TRIGGER ledger_seals_append_only
BEFORE UPDATE OR DELETE OR TRUNCATE ON attribution.ledger_seals
FOR EACH STATEMENT
EXECUTE FUNCTION attribution.forbid_mutation();

ALTER TABLE attribution.ledger_seals ENABLE ALWAYS TRIGGER ledger_seals_append_only;

COMMENT ON TRIGGER ledger_seals_append_only ON attribution.ledger_seals IS 'Guard: no statement changes or removes rows of ledger_seals (RA001), but for the erasure of a tenant.';
