-- Resolves and checks each row, skips duplicates, quarantines what is not a valid fact.

CREATE OR REPLACE TRIGGER attribution_events_accept
BEFORE INSERT ON attribution.attribution_events
FOR EACH ROW
EXECUTE FUNCTION attribution.accept_event();

ALTER TABLE attribution.attribution_events ENABLE ALWAYS TRIGGER attribution_events_accept;

COMMENT ON TRIGGER attribution_events_accept ON attribution.attribution_events IS 'Resolves and checks each row, skips duplicates, quarantines what is not a valid fact.';
