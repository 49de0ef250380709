-- Guard: the record of erasures is append-only (RA001).

CREATE OR REPLACE TRIGGER tenant_erasures_append_only
BEFORE UPDATE OR DELETE OR TRUNCATE ON attribution.tenant_erasures
FOR EACH STATEMENT
EXECUTE FUNCTION attribution.forbid_mutation();

ALTER TABLE attribution.tenant_erasures ENABLE ALWAYS TRIGGER tenant_erasures_append_only;

COMMENT ON TRIGGER tenant_erasures_append_only ON attribution.tenant_erasures IS 'Guard: the record of erasures is append-only (RA001).';
