-- expect: SAFE | a column that may be null | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
ALTER TABLE attr.touchpoints ALTER COLUMN n SET DEFAULT 1;
ALTER TABLE attr.touchpoints ALTER COLUMN n DROP DEFAULT;
