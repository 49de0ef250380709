-- expect: UNSAFE | EXPLAIN ANALYZE runs it | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
EXPLAIN ANALYZE DELETE FROM attr.lookup;
