-- expect: SAFE | there is no such column | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
ALTER TABLE attr.touchpoints DROP COLUMN IF EXISTS not_there;
