-- expect: UNSAFE | waits for as long as it takes | in tx
ALTER TABLE attr.touchpoints ADD COLUMN note text;
