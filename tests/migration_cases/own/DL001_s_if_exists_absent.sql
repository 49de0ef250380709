-- expect: SAFE | nothing of that name is there | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
DROP TABLE IF EXISTS attr.not_there;
