-- expect: UNSAFE | a key, or everything else | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
DELETE FROM attr.lookup WHERE k = 'k1' OR v IS NOT NULL;
