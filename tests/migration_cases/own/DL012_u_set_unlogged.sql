-- expect: UNSAFE | empty after a crash | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
ALTER TABLE attr.lookup SET UNLOGGED;
