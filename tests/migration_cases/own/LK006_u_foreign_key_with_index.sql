-- expect: UNSAFE | an index makes it quick on few rows only | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
ALTER TABLE attr.touchpoints ADD CONSTRAINT tp_fk2 FOREIGN KEY (tenant_id) REFERENCES attr.tenants (id) NOT VALID;
ALTER TABLE attr.touchpoints VALIDATE CONSTRAINT tp_fk2;
