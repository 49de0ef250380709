-- Guard: no statement changes or removes rows of revenue_state_transitions (RA001), but for the erasure of a tenant.

CREATE OR REPLACE TRIGGER revenue_state_transitions_append_only
BEFORE UPDATE OR DELETE OR TRUNCATE ON attribution.revenue_state_transitions
FOR EACH STATEMENT
EXECUTE FUNCTION attribution.forbid_mutation();

ALTER TABLE attribution.revenue_state_transitions ENABLE ALWAYS TRIGGER revenue_state_transitions_append_only;

COMMENT ON TRIGGER revenue_state_transitions_append_only ON attribution.revenue_state_transitions IS 'Guard: no statement changes or removes rows of revenue_state_transitions (RA001), but for the erasure of a tenant.';
