-- expect: UNSAFE | old code reads it | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
DROP VIEW attr.v_channels;
CREATE VIEW attr.v_channels WITH (security_invoker) AS SELECT channel FROM attr.touchpoints GROUP BY 1;
