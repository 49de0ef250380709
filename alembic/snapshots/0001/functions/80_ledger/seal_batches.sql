-- seal_batches(p_tenant, p_limit, p_wait): add a tenant's unsealed batches to its chain.
--
-- p_limit  batches at most: each link needs the one before, so they are made one after the other
-- p_wait   false: leave it to another sealer that is at work on the tenant
-- Returns  batches sealed
-- Errors   55P03 another sealer is at work for longer than lock_timeout
-- Writes   ledger_seals
--
-- In the order in which they were posted, as far as they are committed: one that commits late is sealed late.
-- The lock on the tenant's row keeps other sealers out and lets everything else pass: foreign keys ask for less.

CREATE OR REPLACE FUNCTION attribution.seal_batches(p_tenant uuid, p_limit int, p_wait boolean)
RETURNS bigint
LANGUAGE plpgsql
VOLATILE
AS $$
DECLARE
    v_now timestamptz := clock_timestamp();
    v_sealed bigint;
BEGIN
    IF p_wait THEN
        PERFORM FROM attribution.tenants AS t WHERE t.id = p_tenant FOR NO KEY UPDATE;
    ELSE
        PERFORM FROM attribution.tenants AS t WHERE t.id = p_tenant FOR NO KEY UPDATE SKIP LOCKED;
    END IF;
    IF NOT FOUND THEN
        RETURN 0::bigint;
    END IF;

    WITH RECURSIVE last AS (
        SELECT s.seq, s.chain_hash
        FROM attribution.ledger_seals AS s
        WHERE s.tenant_id = p_tenant
        ORDER BY s.seq DESC
        LIMIT 1
    ),
    fresh AS MATERIALIZED (
        SELECT b.id, b.entries_hash, row_number() OVER (ORDER BY b.posted_at, b.id) AS place
        FROM attribution.ledger_batches AS b
        WHERE b.tenant_id = p_tenant
            AND NOT EXISTS (SELECT FROM attribution.ledger_seals AS s WHERE s.tenant_id = p_tenant AND s.batch_id = b.id)
        ORDER BY b.posted_at, b.id
        LIMIT p_limit
    ),
    chain AS (
        SELECT
            0::bigint AS place, coalesce((SELECT l.seq FROM last AS l), 0) AS seq, NULL::uuid AS batch_id,
            NULL::bytea AS batch_hash, NULL::bytea AS prev_hash,
            coalesce((SELECT l.chain_hash FROM last AS l), decode(repeat('00', 32), 'hex')) AS chain_hash
        UNION ALL
        SELECT
            f.place, c.seq + 1, f.id, f.entries_hash, c.chain_hash,
            attribution.seal_hash(p_tenant, c.seq + 1, f.id, f.entries_hash, c.chain_hash, v_now)
        FROM chain AS c
        JOIN fresh AS f ON f.place = c.place + 1
    )
    INSERT INTO attribution.ledger_seals (tenant_id, seq, batch_id, batch_hash, prev_hash, chain_hash, sealed_at)
    SELECT p_tenant, c.seq, c.batch_id, c.batch_hash, c.prev_hash, c.chain_hash, v_now
    FROM chain AS c
    WHERE c.place > 0;

    GET DIAGNOSTICS v_sealed = ROW_COUNT;
    RETURN v_sealed;
END
$$;

ALTER FUNCTION attribution.seal_batches(uuid, int, boolean) OWNER TO attribution_owner;

COMMENT ON FUNCTION attribution.seal_batches(uuid, int, boolean) IS
'Adds at most p_limit unsealed batches of a tenant to its chain; returns how many.';

REVOKE ALL ON FUNCTION attribution.seal_batches(uuid, int, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.seal_batches(uuid, int, boolean) TO attribution_engine;
