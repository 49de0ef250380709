-- expect: UNSAFE | off for a while | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
ALTER TABLE attr.ledger DISABLE TRIGGER ledger_append_only;
UPDATE attr.ledger SET credit = 0 WHERE id = 1;
ALTER TABLE attr.ledger ENABLE TRIGGER ledger_append_only;
