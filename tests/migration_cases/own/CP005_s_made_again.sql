-- expect: SAFE | the same view with a column more | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
DROP VIEW attr.v_channels;
CREATE VIEW attr.v_channels WITH (security_invoker) AS
SELECT channel, count(*) AS c, max(ts) AS newest FROM attr.touchpoints GROUP BY 1;
