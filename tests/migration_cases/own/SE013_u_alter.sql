-- expect: UNSAFE | no policy applies | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
ALTER ROLE reporting BYPASSRLS;
