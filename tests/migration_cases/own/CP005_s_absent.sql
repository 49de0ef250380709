-- expect: SAFE | nothing of that name | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
DROP VIEW IF EXISTS attr.not_there;
DROP FUNCTION IF EXISTS attr.not_there();
