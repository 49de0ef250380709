-- expect: UNSAFE | without a tenant all rows | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
ALTER POLICY tenant_isolation ON attr.ledger USING (tenant_id = coalesce(current_setting('app.tenant_id', true)::bigint, tenant_id));
