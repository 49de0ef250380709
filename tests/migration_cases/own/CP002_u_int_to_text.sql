-- expect: UNSAFE | another kind of value | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
ALTER TABLE attr.touchpoints ALTER COLUMN small TYPE text;
