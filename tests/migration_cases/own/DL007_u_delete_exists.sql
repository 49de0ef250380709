-- expect: UNSAFE | data-dependent | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
DELETE FROM attr.touchpoints t WHERE EXISTS (SELECT FROM attr.tenants n WHERE n.id = t.tenant_id);
