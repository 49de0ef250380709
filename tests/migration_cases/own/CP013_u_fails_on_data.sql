-- expect: UNSAFE | the rows do not allow it | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
ALTER TABLE attr.touchpoints ADD CONSTRAINT big CHECK (n > 1000000);
