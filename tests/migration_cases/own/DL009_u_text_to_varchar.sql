-- expect: UNSAFE | values may not fit | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
ALTER TABLE attr.touchpoints ALTER COLUMN email TYPE varchar(100);
