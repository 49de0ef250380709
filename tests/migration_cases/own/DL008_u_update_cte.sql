-- expect: UNSAFE | in a CTE | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
WITH u AS (UPDATE attr.lookup SET v = 'x' RETURNING k) SELECT count(*) FROM u;
