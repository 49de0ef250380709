-- expect: SAFE | the lock is gone | no tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
ALTER TABLE attr.ledger ADD CONSTRAINT ledger_fk FOREIGN KEY (tenant_id) REFERENCES attr.tenants (id) NOT VALID;
COMMIT;
ALTER TABLE attr.ledger VALIDATE CONSTRAINT ledger_fk;
