-- Guard: no statement removes rows of dead_events (RA001), but for the erasure of a tenant.

CREATE OR REPLACE TRIGGER dead_events_kept
BEFORE DELETE OR TRUNCATE ON attribution.dead_events
FOR EACH STATEMENT
EXECUTE FUNCTION attribution.forbid_mutation();

ALTER TABLE attribution.dead_events ENABLE ALWAYS TRIGGER dead_events_kept;

COMMENT ON TRIGGER dead_events_kept ON attribution.dead_events IS 'Guard: no statement removes rows of dead_events (RA001), but for the erasure of a tenant.';
