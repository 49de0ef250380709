-- expect: SAFE | it may be null from now on | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
ALTER TABLE attr.touchpoints ALTER COLUMN tenant_id DROP NOT NULL;
