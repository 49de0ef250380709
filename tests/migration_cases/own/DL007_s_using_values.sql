-- expect: SAFE | a list of keys | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
DELETE FROM attr.lookup l USING (VALUES ('k1'), ('k2')) AS gone(k) WHERE l.k = gone.k;
