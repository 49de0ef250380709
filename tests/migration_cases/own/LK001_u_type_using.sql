-- expect: UNSAFE | a rewrite by USING | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
ALTER TABLE attr.touchpoints ALTER COLUMN n TYPE text USING 'n' || n;
