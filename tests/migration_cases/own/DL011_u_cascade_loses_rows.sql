-- expect: UNSAFE | ON DELETE CASCADE | no tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
ALTER TABLE attr.touchpoints DROP CONSTRAINT touchpoints_tenant_id_fkey;
ALTER TABLE attr.touchpoints ADD CONSTRAINT touchpoints_tenant_id_fkey
  FOREIGN KEY (tenant_id) REFERENCES attr.tenants ON DELETE CASCADE NOT VALID;
COMMIT;
DELETE FROM attr.tenants WHERE id IN (1, 2, 3);
