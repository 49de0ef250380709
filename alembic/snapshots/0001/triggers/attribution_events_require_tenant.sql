-- Refuses to write without a tenant in context (RA002), or for another than the logins (RA009).

CREATE OR REPLACE TRIGGER attribution_events_require_tenant
BEFORE INSERT ON attribution.attribution_events
FOR EACH STATEMENT
EXECUTE FUNCTION attribution.require_tenant();

ALTER TABLE attribution.attribution_events ENABLE ALWAYS TRIGGER attribution_events_require_tenant;

COMMENT ON TRIGGER attribution_events_require_tenant ON attribution.attribution_events IS 'Refuses to write without a tenant in context (RA002), or for another than the logins (RA009).';
