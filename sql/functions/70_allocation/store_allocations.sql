-- store_allocations(p_tenant, p_event_ids): make the current allocations of the conversions equal to what is due.
--
-- p_event_ids conversions whose event_processing rows the caller has locked in an earlier statement
-- Returns     the conversions for which anything changed; none, and no write, where all was right
-- Writes      attribution_allocations, unfolded_changes
--
-- Per conversion and rule: when one share differs, all current ones are superseded and all due ones inserted.

CREATE OR REPLACE FUNCTION attribution.store_allocations(p_tenant uuid, p_event_ids uuid[])
RETURNS uuid[]
LANGUAGE plpgsql
VOLATILE
AS $$
DECLARE
    v_now timestamptz := clock_timestamp();
    v_changed uuid[];
BEGIN
    WITH due AS MATERIALIZED (
        SELECT c.* FROM attribution.due_allocations(p_tenant, p_event_ids) AS c
    ),
    current AS MATERIALIZED (
        SELECT c.*
        FROM unnest(p_event_ids) AS k (event_id)
        CROSS JOIN LATERAL (
            SELECT
                a.ctid AS stored_at, a.event_id, a.rule_id, a."position", a.touch_id, a.allocation_ratio,
                a.allocated_revenue_cents, a.is_book, a.override_id
            FROM attribution.attribution_allocations AS a
            WHERE a.tenant_id = p_tenant AND a.event_id = k.event_id AND a.superseded_at IS NULL
            OFFSET 0
        ) AS c
    ),
    compared AS MATERIALIZED (
        SELECT
            event_id, d AS due, c.stored_at,
            bool_or((d.touch_id, d.allocation_ratio, d.allocated_revenue_cents, d.is_book, d.override_id)
                IS DISTINCT FROM (c.touch_id, c.allocation_ratio, c.allocated_revenue_cents, c.is_book, c.override_id)
            ) OVER (PARTITION BY event_id, rule_id) AS is_changed
        FROM due AS d
        FULL JOIN current AS c USING (event_id, rule_id, "position")
    ),
    superseded AS (
        UPDATE attribution.attribution_allocations AS a
        SET superseded_at = v_now
        FROM compared AS x
        WHERE a.ctid = x.stored_at AND x.is_changed -- by its place: a join by id may read all that the tenant has
        RETURNING a.id
    ),
    inserted AS (
        INSERT INTO attribution.attribution_allocations (
            tenant_id, event_id, rule_id, model_version, is_book, override_id, touch_id, "position", channel_code, campaign_id,
            partner_id, allocation_ratio, allocated_revenue_cents, currency, occurred_at, reason, created_at
        )
        SELECT
            p_tenant, (x.due).event_id, (x.due).rule_id, (x.due).model_version, (x.due).is_book,
            (x.due).override_id, (x.due).touch_id, (x.due)."position", (x.due).channel_code, (x.due).campaign_id,
            (x.due).partner_id, (x.due).allocation_ratio, (x.due).allocated_revenue_cents, (x.due).currency,
            (x.due).occurred_at, (x.due).reason, v_now
        FROM compared AS x
        WHERE x.is_changed AND (x.due).event_id IS NOT NULL
            -- Reading the count makes the update run first: a place must be free before it is taken again.
            AND (SELECT count(*) FROM superseded) >= 0
        RETURNING id
    ),
    noted AS (
        INSERT INTO attribution.unfolded_changes (tenant_id, allocation_ids, superseded_ids)
        SELECT p_tenant, ARRAY(SELECT i.id FROM inserted AS i), ARRAY(SELECT s.id FROM superseded AS s)
        WHERE EXISTS (SELECT FROM compared AS x WHERE x.is_changed)
    )
    SELECT array_agg(DISTINCT x.event_id) INTO v_changed
    FROM compared AS x
    WHERE x.is_changed AND (SELECT count(*) FROM inserted) >= 0;

    RETURN coalesce(v_changed, '{}');
END
$$;

ALTER FUNCTION attribution.store_allocations(uuid, uuid[]) OWNER TO attribution_owner;

COMMENT ON FUNCTION attribution.store_allocations(uuid, uuid[]) IS
'Makes the current allocations of the given conversions equal to what is due; returns the conversions that changed.';

REVOKE ALL ON FUNCTION attribution.store_allocations(uuid, uuid[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.store_allocations(uuid, uuid[]) TO attribution_engine;
