-- expect: SAFE | as it is anyway | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
SET session_replication_role = origin;
