-- Guard: the record of waivers is append-only (RA001).

CREATE OR REPLACE TRIGGER migration_waivers_append_only
BEFORE UPDATE OR DELETE OR TRUNCATE ON attribution.migration_waivers
FOR EACH STATEMENT
EXECUTE FUNCTION attribution.forbid_mutation();

ALTER TABLE attribution.migration_waivers ENABLE ALWAYS TRIGGER migration_waivers_append_only;

COMMENT ON TRIGGER migration_waivers_append_only ON attribution.migration_waivers IS 'Guard: the record of waivers is append-only (RA001).';
