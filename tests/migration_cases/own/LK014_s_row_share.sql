-- expect: SAFE | blocks nobody that reads or writes | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
LOCK TABLE attr.touchpoints IN ROW SHARE MODE;
