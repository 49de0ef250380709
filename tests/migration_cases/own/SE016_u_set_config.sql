-- expect: UNSAFE | guards are off | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
SELECT set_config('session_replication_role', 'replica', true);
