-- expect: SAFE | the caller's rights | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
CREATE VIEW attr.v_tp WITH (security_invoker = true) AS SELECT * FROM attr.touchpoints;
