-- expect: UNSAFE | old code looks for it elsewhere | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
CREATE SCHEMA z;
ALTER FUNCTION attr.imm() SET SCHEMA z;
