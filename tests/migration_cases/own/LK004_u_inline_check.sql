-- expect: UNSAFE | each row is looked at | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
ALTER TABLE attr.touchpoints ADD COLUMN q int DEFAULT 1 CHECK (q > 0);
