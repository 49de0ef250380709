-- Guard: a row of event_processing is removed only with its tenant (RA001).

CREATE OR REPLACE TRIGGER event_processing_erased_only
BEFORE DELETE ON attribution.event_processing
FOR EACH ROW
EXECUTE FUNCTION attribution.forbid_delete();

ALTER TABLE attribution.event_processing ENABLE ALWAYS TRIGGER event_processing_erased_only;

COMMENT ON TRIGGER event_processing_erased_only ON attribution.event_processing IS 'Guard: a row of event_processing is removed only with its tenant (RA001).';
