-- expect: UNSAFE | what narrowed is gone | no tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
CREATE POLICY one ON attr.ledger AS RESTRICTIVE USING (tenant_id = current_setting('app.tenant_id', true)::bigint);
COMMIT;
DROP POLICY tenant_isolation ON attr.ledger;
