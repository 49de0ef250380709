-- expect: UNSAFE | a bound that bounds nothing | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
DELETE FROM attr.touchpoints WHERE id BETWEEN 1 AND 1000000000;
