-- Guard: a row of dead_events is removed only with its tenant (RA001).

CREATE OR REPLACE TRIGGER dead_events_erased_only
BEFORE DELETE ON attribution.dead_events
FOR EACH ROW
EXECUTE FUNCTION attribution.forbid_delete();

ALTER TABLE attribution.dead_events ENABLE ALWAYS TRIGGER dead_events_erased_only;

COMMENT ON TRIGGER dead_events_erased_only ON attribution.dead_events IS 'Guard: a row of dead_events is removed only with its tenant (RA001).';
