-- Guard: the record of a waiver is never removed, in an erasure neither (RA001).

CREATE OR REPLACE TRIGGER migration_waivers_erased_only
BEFORE DELETE ON attribution.migration_waivers
FOR EACH ROW
EXECUTE FUNCTION attribution.forbid_delete();

ALTER TABLE attribution.migration_waivers ENABLE ALWAYS TRIGGER migration_waivers_erased_only;

COMMENT ON TRIGGER migration_waivers_erased_only ON attribution.migration_waivers IS 'Guard: the record of a waiver is never removed, in an erasure neither (RA001).';
