-- expect: UNSAFE | WHERE that says nothing | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
DELETE FROM attr.lookup WHERE k = k;
