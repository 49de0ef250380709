-- expect: UNSAFE | computed for each row | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
ALTER TABLE attr.touchpoints ADD COLUMN twice bigint GENERATED ALWAYS AS (n * 2) STORED;
