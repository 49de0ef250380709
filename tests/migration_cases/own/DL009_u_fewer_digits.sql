-- expect: UNSAFE | values may not fit | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
ALTER TABLE attr.touchpoints ALTER COLUMN amount TYPE numeric(8,2);
