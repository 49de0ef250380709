-- expect: UNSAFE | off in ordinary sessions | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
ALTER TABLE attr.ledger ENABLE REPLICA TRIGGER ledger_append_only;
