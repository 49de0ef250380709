-- expect: UNSAFE | a volatile clock | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
ALTER TABLE attr.touchpoints ADD COLUMN seen timestamptz DEFAULT clock_timestamp();
