-- expect: UNSAFE | WHEN (false) | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
DROP TRIGGER ledger_append_only ON attr.ledger;
CREATE TRIGGER ledger_append_only BEFORE UPDATE OR DELETE ON attr.ledger
FOR EACH ROW WHEN (false) EXECUTE FUNCTION attr.forbid_mutation();
