-- expect: SAFE | it can only narrow | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
CREATE POLICY recent ON attr.touchpoints AS RESTRICTIVE USING (ts > '2020-01-01');
