-- Guard: a row of ledger_seals is removed only with its tenant (RA001).

CREATE OR REPLACE TRIGGER ledger_seals_erased_only
BEFORE DELETE ON attribution.ledger_seals
FOR EACH ROW
EXECUTE FUNCTION attribution.forbid_delete();

ALTER TABLE attribution.ledger_seals ENABLE ALWAYS TRIGGER ledger_seals_erased_only;

COMMENT ON TRIGGER ledger_seals_erased_only ON attribution.ledger_seals IS 'Guard: a row of ledger_seals is removed only with its tenant (RA001).';
