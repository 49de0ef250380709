-- Guard: no statement changes or removes rows of attribution_events (RA001), but for the erasure of a tenant.

CREATE OR REPLACE TRIGGER attribution_events_append_only
BEFORE UPDATE OR DELETE OR TRUNCATE ON attribution.attribution_events
FOR EACH STATEMENT
EXECUTE FUNCTION attribution.forbid_mutation();

ALTER TABLE attribution.attribution_events ENABLE ALWAYS TRIGGER attribution_events_append_only;

COMMENT ON TRIGGER attribution_events_append_only ON attribution.attribution_events IS 'Guard: no statement changes or removes rows of attribution_events (RA001), but for the erasure of a tenant.';
