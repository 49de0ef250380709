-- expect: SAFE | another name, the same strictness | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
DROP POLICY tenant_isolation ON attr.ledger;
CREATE POLICY by_tenant ON attr.ledger USING (tenant_id = current_setting('app.tenant_id', true)::bigint);
