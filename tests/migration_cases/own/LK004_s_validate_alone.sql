-- expect: SAFE | added before, validated now | no tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
ALTER TABLE attr.touchpoints ADD CONSTRAINT tp_pos CHECK (n >= 0) NOT VALID;
COMMIT;
ALTER TABLE attr.touchpoints VALIDATE CONSTRAINT tp_pos;
