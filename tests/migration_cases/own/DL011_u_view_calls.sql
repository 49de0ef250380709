-- expect: UNSAFE | a view that calls what drops a table | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
CREATE VIEW attr.vv WITH (security_invoker) AS SELECT attr.purge_everything() AS x;
SELECT x FROM attr.vv;
