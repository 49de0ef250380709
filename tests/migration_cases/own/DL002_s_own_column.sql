-- expect: SAFE | added here | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
ALTER TABLE attr.touchpoints ADD COLUMN scratch int;
ALTER TABLE attr.touchpoints DROP COLUMN scratch;
