-- expect: UNSAFE | RESET forgets it | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
RESET lock_timeout;
ALTER TABLE attr.touchpoints ADD COLUMN note text;
