-- Guard: no statement removes rows of tenants (RA001), but for the erasure of a tenant.

CREATE OR REPLACE TRIGGER tenants_kept
BEFORE DELETE OR TRUNCATE ON attribution.tenants
FOR EACH STATEMENT
EXECUTE FUNCTION attribution.forbid_mutation();

ALTER TABLE attribution.tenants ENABLE ALWAYS TRIGGER tenants_kept;

COMMENT ON TRIGGER tenants_kept ON attribution.tenants IS 'Guard: no statement removes rows of tenants (RA001), but for the erasure of a tenant.';
