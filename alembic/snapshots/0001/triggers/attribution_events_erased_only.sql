-- Guard: a row of attribution_events is removed only with its tenant (RA001).

CREATE OR REPLACE TRIGGER attribution_events_erased_only
BEFORE DELETE ON attribution.attribution_events
FOR EACH ROW
EXECUTE FUNCTION attribution.forbid_delete();

ALTER TABLE attribution.attribution_events ENABLE ALWAYS TRIGGER attribution_events_erased_only;

COMMENT ON TRIGGER attribution_events_erased_only ON attribution.attribution_events IS 'Guard: a row of attribution_events is removed only with its tenant (RA001).';
