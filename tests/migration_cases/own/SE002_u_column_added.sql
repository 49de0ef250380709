-- expect: UNSAFE | a table becomes a tenant table | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
ALTER TABLE attr.lookup ADD COLUMN tenant_id bigint;
