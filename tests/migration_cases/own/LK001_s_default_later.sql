-- expect: SAFE | for new rows only | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
ALTER TABLE attr.touchpoints ADD COLUMN u uuid;
ALTER TABLE attr.touchpoints ALTER COLUMN u SET DEFAULT gen_random_uuid();
