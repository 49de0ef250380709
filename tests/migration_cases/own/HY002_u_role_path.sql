-- expect: UNSAFE | every session of the role | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
ALTER ROLE app_user SET search_path = public;
