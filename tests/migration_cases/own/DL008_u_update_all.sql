-- expect: UNSAFE | every row | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
UPDATE attr.lookup SET v = NULL;
