-- expect: SAFE | used in the next transaction | no tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
ALTER TYPE attr.status ADD VALUE 'paused';
COMMIT;
UPDATE attr.touchpoints SET st = 'paused' WHERE id = 1;
