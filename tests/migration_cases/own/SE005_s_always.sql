-- expect: SAFE | a stronger guard | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
ALTER TABLE attr.ledger ENABLE ALWAYS TRIGGER ledger_append_only;
