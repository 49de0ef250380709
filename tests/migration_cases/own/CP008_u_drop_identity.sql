-- expect: UNSAFE | inserts leave it out | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
ALTER TABLE attr.ledger ALTER COLUMN id DROP IDENTITY;
