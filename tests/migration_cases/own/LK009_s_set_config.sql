-- expect: SAFE | set by a function | in tx
SELECT set_config('lock_timeout', '2s', true);
ALTER TABLE attr.touchpoints ADD COLUMN note text;
