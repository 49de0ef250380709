-- Guard: no statement removes rows of event_processing (RA001), but for the erasure of a tenant.

CREATE OR REPLACE TRIGGER event_processing_kept
BEFORE DELETE OR TRUNCATE ON attribution.event_processing
FOR EACH STATEMENT
EXECUTE FUNCTION attribution.forbid_mutation();

ALTER TABLE attribution.event_processing ENABLE ALWAYS TRIGGER event_processing_kept;

COMMENT ON TRIGGER event_processing_kept ON attribution.event_processing IS 'Guard: no statement removes rows of event_processing (RA001), but for the erasure of a tenant.';
