-- expect: SAFE | less than before | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
REVOKE ALL ON SCHEMA public FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION attr.purge_everything() FROM PUBLIC;
