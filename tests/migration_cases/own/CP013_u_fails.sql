-- expect: UNSAFE | a column that is not there | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
UPDATE attr.lookup SET nonsense = 1 WHERE k = 'k1';
