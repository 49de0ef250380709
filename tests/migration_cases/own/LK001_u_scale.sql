-- expect: UNSAFE | another scale rewrites | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
ALTER TABLE attr.touchpoints ALTER COLUMN amount TYPE numeric(14,4);
