-- expect: UNSAFE | through another view | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
CREATE VIEW attr.v1 WITH (security_invoker) AS SELECT * FROM attr.touchpoints;
CREATE VIEW attr.v2 AS SELECT * FROM attr.v1;
