-- expect: UNSAFE | builds its index | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
ALTER TABLE attr.touchpoints ADD COLUMN ref text UNIQUE;
