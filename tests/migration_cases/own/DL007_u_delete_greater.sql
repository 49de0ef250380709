-- expect: UNSAFE | all above a key | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
DELETE FROM attr.touchpoints WHERE id > 0;
