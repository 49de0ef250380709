-- expect: UNSAFE | all rows locked | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
SELECT id FROM attr.touchpoints FOR UPDATE;
