-- expect: SAFE | only a warning: both are locked for a moment | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
ALTER TABLE attr.touchpoints ADD COLUMN note text;
ALTER TABLE attr.lookup ADD COLUMN note text;
