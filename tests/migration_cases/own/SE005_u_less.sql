-- expect: UNSAFE | UPDATE is no longer guarded | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
CREATE OR REPLACE TRIGGER ledger_append_only BEFORE DELETE ON attr.ledger
FOR EACH ROW EXECUTE FUNCTION attr.forbid_mutation();
