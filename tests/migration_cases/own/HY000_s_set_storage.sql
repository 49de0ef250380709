-- expect: SAFE | a short lock | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
ALTER TABLE attr.touchpoints ALTER COLUMN email SET STORAGE EXTERNAL;
