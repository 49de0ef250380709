-- expect: UNSAFE | PUBLIC | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
GRANT EXECUTE ON FUNCTION attr.purge_everything() TO PUBLIC;
