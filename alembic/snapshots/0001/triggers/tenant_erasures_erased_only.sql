-- Guard: the record of an erasure is never removed (RA001).

CREATE OR REPLACE TRIGGER tenant_erasures_erased_only
BEFORE DELETE ON attribution.tenant_erasures
FOR EACH ROW
EXECUTE FUNCTION attribution.forbid_delete();

ALTER TABLE attribution.tenant_erasures ENABLE ALWAYS TRIGGER tenant_erasures_erased_only;

COMMENT ON TRIGGER tenant_erasures_erased_only ON attribution.tenant_erasures IS 'Guard: the record of an erasure is never removed (RA001).';
