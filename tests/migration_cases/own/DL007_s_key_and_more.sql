-- expect: SAFE | a key and another condition | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
DELETE FROM attr.lookup WHERE v = 'v' AND k = 'k7';
