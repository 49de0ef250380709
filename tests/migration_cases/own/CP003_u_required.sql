-- expect: UNSAFE | old code leaves it out | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
ALTER TABLE attr.touchpoints ADD COLUMN source text NOT NULL;
