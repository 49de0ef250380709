-- expect: UNSAFE | work under the lock of another table | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
ALTER TABLE attr.lookup ADD COLUMN note text;
ALTER TABLE attr.ledger ADD CONSTRAINT ledger_fk FOREIGN KEY (tenant_id) REFERENCES attr.tenants (id);
