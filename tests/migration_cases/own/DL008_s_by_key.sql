-- expect: SAFE | one row | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
UPDATE attr.lookup SET v = 'x' WHERE k = 'k1';
