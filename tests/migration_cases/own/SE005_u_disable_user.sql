-- expect: UNSAFE | every guard is off | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
ALTER TABLE attr.ledger DISABLE TRIGGER USER;
