-- expect: UNSAFE | whatever joins | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
UPDATE attr.touchpoints t SET channel = n.name FROM attr.tenants n WHERE n.id = t.tenant_id;
