-- expect: UNSAFE | a role of the server | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
GRANT pg_read_all_data TO reporting;
