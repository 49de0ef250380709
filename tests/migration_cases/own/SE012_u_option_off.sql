-- expect: UNSAFE | no longer the caller's rights | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
CREATE VIEW attr.v1 WITH (security_invoker) AS SELECT * FROM attr.touchpoints;
ALTER VIEW attr.v1 SET (security_invoker = false);
