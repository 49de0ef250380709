-- require_read_committed(): refuse to work in a transaction whose snapshot never moves.
--
-- Errors   25001: a later statement has to see what the previous holder of a lock committed

CREATE OR REPLACE FUNCTION attribution.require_read_committed()
RETURNS void
LANGUAGE plpgsql
STABLE
AS $$
BEGIN
    IF current_setting('transaction_isolation') NOT IN ('read committed', 'read uncommitted') THEN
        RAISE EXCEPTION USING
            ERRCODE = 'active_sql_transaction',
            MESSAGE = format('processing does not run under %s', current_setting('transaction_isolation')),
            DETAIL = 'It would compute from an old snapshot and could overwrite newer results.',
            HINT = 'SET TRANSACTION ISOLATION LEVEL READ COMMITTED, or leave the default alone.';
    END IF;
END
$$;

ALTER FUNCTION attribution.require_read_committed() OWNER TO attribution_owner;

COMMENT ON FUNCTION attribution.require_read_committed() IS
'Raises 25001 in a REPEATABLE READ or SERIALIZABLE transaction.';

REVOKE ALL ON FUNCTION attribution.require_read_committed() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.require_read_committed() TO attribution_engine;
