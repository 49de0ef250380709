-- expect: UNSAFE | all but some | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
DELETE FROM attr.lookup WHERE k NOT IN ('k1', 'k2');
