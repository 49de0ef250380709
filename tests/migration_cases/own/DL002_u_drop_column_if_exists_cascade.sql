-- expect: UNSAFE | values lost | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
ALTER TABLE attr.touchpoints DROP COLUMN IF EXISTS channel CASCADE;
