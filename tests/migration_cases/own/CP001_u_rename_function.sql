-- expect: UNSAFE | old code calls the old name | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
ALTER FUNCTION attr.imm() RENAME TO immutable_one;
