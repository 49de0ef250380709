-- expect: SAFE | added here | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
ALTER TABLE attr.touchpoints ADD CONSTRAINT tp_pos CHECK (n > 0) NOT VALID;
ALTER TABLE attr.touchpoints DROP CONSTRAINT tp_pos;
