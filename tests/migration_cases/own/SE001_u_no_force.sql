-- expect: UNSAFE | the owner sees all | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
ALTER TABLE attr.ledger NO FORCE ROW LEVEL SECURITY;
