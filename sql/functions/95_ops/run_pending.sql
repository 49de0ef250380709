-- run_pending(p_max_seconds): drain the queue (late touches, deferred tenants, due retries), seal what was posted, fold summaries.
--
-- p_max_seconds  stop before a new batch after that long; 0: one round over the tenants
-- Errors   see process_batch(); a batch that lost a race (40001, 40P01, 55P03) is left for the next round
--
-- CALL it from a scheduler, as many at once as wanted: claims skip each other. Each batch is committed by itself, unless
-- the call stands in a transaction block, which then commits all. A procedure, and the caller's rights: one with
-- definer's rights or a SET clause could not commit.

CREATE OR REPLACE PROCEDURE attribution.run_pending(p_max_seconds int DEFAULT 60)
LANGUAGE plpgsql
AS $$
DECLARE
    -- In a transaction block, the transaction began before this statement.
    v_may_commit constant boolean := statement_timestamp() = transaction_timestamp();
    v_until constant timestamptz := clock_timestamp() + p_max_seconds * interval '1 second';
    v_tenant uuid;
    v_taken int;
    v_in_round int := 0;
BEGIN
    LOOP
        v_tenant := attribution.next_tenant_with_work(v_tenant);
        IF v_tenant IS NULL THEN
            EXIT WHEN v_in_round = 0; -- a whole round found nothing to take
            v_in_round := 0;
        ELSE
            BEGIN
                v_taken := attribution.process_batch(v_tenant);
                v_in_round := v_in_round + v_taken;
            EXCEPTION
                WHEN serialization_failure OR deadlock_detected OR lock_not_available THEN
                    RAISE WARNING 'tenant %: %; its batch waits for the next round', v_tenant, SQLERRM;
            END;
            IF v_may_commit THEN
                COMMIT;
            END IF;
        END IF;
        EXIT WHEN clock_timestamp() >= v_until AND (p_max_seconds > 0 OR v_tenant IS NULL);
    END LOOP;
    PERFORM attribution.seal_ledger(p_wait => false);
    IF v_may_commit THEN
        COMMIT;
    END IF;
    PERFORM attribution.fold_summaries();
END
$$;

ALTER PROCEDURE attribution.run_pending(int) OWNER TO attribution_owner;

COMMENT ON PROCEDURE attribution.run_pending(int) IS
'Drains the queue for at most p_max_seconds (then finishes its batch): late touches, deferred tenants, due retries; then seals the ledger and folds the summaries. Any number may run at once.';

REVOKE ALL ON PROCEDURE attribution.run_pending(int) FROM PUBLIC;
GRANT EXECUTE ON PROCEDURE attribution.run_pending(int) TO attribution_admin;
