-- expect: SAFE | the lock is gone | no tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
ALTER TABLE attr.touchpoints ADD COLUMN z bigint;
COMMIT;
UPDATE attr.touchpoints SET z = n WHERE id BETWEEN 1 AND 500;
