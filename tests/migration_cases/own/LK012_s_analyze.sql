-- expect: SAFE | others go on | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
ANALYZE attr.touchpoints;
