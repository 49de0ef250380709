-- Queues the new events and attributes the new conversions.

CREATE OR REPLACE TRIGGER attribution_events_process
AFTER INSERT ON attribution.attribution_events
REFERENCING NEW TABLE AS new_events
FOR EACH STATEMENT
EXECUTE FUNCTION attribution.process_new_events();

ALTER TABLE attribution.attribution_events ENABLE ALWAYS TRIGGER attribution_events_process;

COMMENT ON TRIGGER attribution_events_process ON attribution.attribution_events IS 'Queues the new events and attributes the new conversions.';
