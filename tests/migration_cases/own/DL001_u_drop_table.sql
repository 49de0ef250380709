-- expect: UNSAFE | a table with rows | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
DROP TABLE attr.lookup;
