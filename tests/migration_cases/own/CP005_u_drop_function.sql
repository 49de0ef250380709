-- expect: UNSAFE | old code calls it | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
DROP FUNCTION attr.imm();
