-- expect: SAFE | one column more at the end | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
CREATE OR REPLACE VIEW attr.v_channels WITH (security_invoker) AS
SELECT channel, count(*) AS c, max(ts) AS newest FROM attr.touchpoints GROUP BY 1;
