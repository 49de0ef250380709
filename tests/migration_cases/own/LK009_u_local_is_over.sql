-- expect: UNSAFE | SET LOCAL ends with its transaction | no tx
BEGIN;
SET LOCAL lock_timeout = '2s';
COMMIT;
ALTER TABLE attr.touchpoints ADD COLUMN note text;
