-- expect: UNSAFE | copies the table | no tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
VACUUM FULL attr.touchpoints;
