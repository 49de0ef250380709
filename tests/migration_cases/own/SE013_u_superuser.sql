-- expect: UNSAFE | anything goes | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
ALTER ROLE app_user SUPERUSER;
