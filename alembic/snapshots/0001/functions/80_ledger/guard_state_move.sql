-- guard_state_move(): trigger that lets a transaction move only from the state it is in, and only by a legal move.
--
-- Trigger  BEFORE INSERT ON revenue_state_transitions FOR EACH ROW
-- Errors   RA006 illegal move, or not from the state that the transaction is in
-- Reads    revenue_state_moves, revenue_state_transitions

CREATE OR REPLACE FUNCTION attribution.guard_state_move()
RETURNS trigger
LANGUAGE plpgsql
VOLATILE
SET search_path = attribution, pg_temp
AS $$
DECLARE
    v_state text := coalesce((
        SELECT t.to_state
        FROM attribution.revenue_state_transitions AS t
        WHERE t.tenant_id = NEW.tenant_id AND t.transaction_id = NEW.transaction_id AND t.currency = NEW.currency
        ORDER BY t.sequence DESC
        LIMIT 1
    ), 'captured');
BEGIN
    IF NEW.from_state = v_state AND EXISTS (
        SELECT
        FROM attribution.revenue_state_moves AS m
        WHERE m.from_state = NEW.from_state AND m.to_state = NEW.to_state AND m.restates = NEW.restates
    ) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION USING
        ERRCODE = 'RA006',
        MESSAGE = format('a transaction that is %s does not move from %s to %s', v_state, NEW.from_state, NEW.to_state),
        DETAIL = format('Transaction %L in %s.', NEW.transaction_id, NEW.currency),
        HINT = 'Legal moves are in attribution.revenue_state_moves. Send refunds, chargebacks and disputes as events: the engine moves the state.';
END
$$;

ALTER FUNCTION attribution.guard_state_move() OWNER TO attribution_owner;

COMMENT ON FUNCTION attribution.guard_state_move() IS
'Trigger: lets a transaction move only from the state it is in, by a legal move (RA006).';

REVOKE ALL ON FUNCTION attribution.guard_state_move() FROM PUBLIC;
