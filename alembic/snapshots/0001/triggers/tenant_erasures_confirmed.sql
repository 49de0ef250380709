-- Guard: an erasure cannot be committed while its tenant exists (RA001).

DROP TRIGGER IF EXISTS tenant_erasures_confirmed ON attribution.tenant_erasures;
CREATE CONSTRAINT TRIGGER tenant_erasures_confirmed
AFTER INSERT ON attribution.tenant_erasures
DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW
EXECUTE FUNCTION attribution.confirm_erasure();

ALTER TABLE attribution.tenant_erasures ENABLE ALWAYS TRIGGER tenant_erasures_confirmed;

COMMENT ON TRIGGER tenant_erasures_confirmed ON attribution.tenant_erasures IS 'Guard: an erasure cannot be committed while its tenant exists (RA001).';
