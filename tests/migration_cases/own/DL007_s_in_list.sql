-- expect: SAFE | keys by name | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
DELETE FROM attr.lookup WHERE k IN ('k1', 'k2', 'k3');
