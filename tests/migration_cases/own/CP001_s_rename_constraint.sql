-- expect: SAFE | hardly anybody names it | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
ALTER TABLE attr.touchpoints RENAME CONSTRAINT touchpoints_tenant_id_fkey TO tp_tenant_fk;
