-- expect: UNSAFE | a copy without isolation | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
CREATE TABLE attr.copies AS SELECT * FROM attr.touchpoints;
