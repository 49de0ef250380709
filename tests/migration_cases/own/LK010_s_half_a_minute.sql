-- expect: SAFE | long, but it ends | in tx
SET lock_timeout = '30s';
ALTER TABLE attr.touchpoints ADD COLUMN note text;
