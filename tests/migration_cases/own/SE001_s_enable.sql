-- expect: SAFE | more than before | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
ALTER TABLE attr.ledger ENABLE ROW LEVEL SECURITY;
ALTER TABLE attr.ledger FORCE ROW LEVEL SECURITY;
