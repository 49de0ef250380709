-- expect: UNSAFE | guards and foreign keys are off | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
SET session_replication_role = replica;
UPDATE attr.ledger SET credit = 0 WHERE id = 1;
