-- expect: UNSAFE | everybody is tenant 1 | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
ALTER POLICY tenant_isolation ON attr.ledger USING (tenant_id = 1);
