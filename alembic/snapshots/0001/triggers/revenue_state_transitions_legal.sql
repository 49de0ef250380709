-- Guard: a transaction moves from the state it is in, by a legal move (RA006).

CREATE OR REPLACE TRIGGER revenue_state_transitions_legal
BEFORE INSERT ON attribution.revenue_state_transitions
FOR EACH ROW
EXECUTE FUNCTION attribution.guard_state_move();

ALTER TABLE attribution.revenue_state_transitions ENABLE ALWAYS TRIGGER revenue_state_transitions_legal;

COMMENT ON TRIGGER revenue_state_transitions_legal ON attribution.revenue_state_transitions IS 'Guard: a transaction moves from the state it is in, by a legal move (RA006).';
