-- expect: UNSAFE | old code reads it | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
DROP VIEW IF EXISTS attr.v_channels CASCADE;
