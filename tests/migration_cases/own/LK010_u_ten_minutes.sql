-- expect: UNSAFE | as good as none | in tx
SET lock_timeout = '10min';
ALTER TABLE attr.touchpoints ADD COLUMN note text;
