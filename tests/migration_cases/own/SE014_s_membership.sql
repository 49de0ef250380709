-- expect: SAFE | an ordinary role | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
GRANT reporting TO app_user;
