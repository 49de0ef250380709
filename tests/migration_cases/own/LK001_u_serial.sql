-- expect: UNSAFE | a value for each row | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
ALTER TABLE attr.lookup ADD COLUMN num serial;
