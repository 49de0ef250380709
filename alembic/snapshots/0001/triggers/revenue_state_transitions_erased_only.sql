-- Guard: a row of revenue_state_transitions is removed only with its tenant (RA001).

CREATE OR REPLACE TRIGGER revenue_state_transitions_erased_only
BEFORE DELETE ON attribution.revenue_state_transitions
FOR EACH ROW
EXECUTE FUNCTION attribution.forbid_delete();

ALTER TABLE attribution.revenue_state_transitions ENABLE ALWAYS TRIGGER revenue_state_transitions_erased_only;

COMMENT ON TRIGGER revenue_state_transitions_erased_only ON attribution.revenue_state_transitions IS 'Guard: a row of revenue_state_transitions is removed only with its tenant (RA001).';
