-- expect: UNSAFE | data-dependent | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
DELETE FROM attr.touchpoints WHERE ts < now() - interval '90 days';
