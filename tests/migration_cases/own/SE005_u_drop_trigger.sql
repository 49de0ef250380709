-- expect: UNSAFE | the guard is gone | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
DROP TRIGGER ledger_append_only ON attr.ledger;
