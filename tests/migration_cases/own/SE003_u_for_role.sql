-- expect: UNSAFE | one role sees all | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
CREATE POLICY reports ON attr.touchpoints FOR SELECT TO reporting USING (true);
