-- fold_tenant(p_tenant): take what has changed into the summaries of a tenant.
--
-- Returns  true: something was folded; false: there was nothing, or another transaction has the tenant's row
-- Writes   channel_days, ledger_days, partner_totals, conversion_paths, summary_states; deletes from unfolded_changes
--
-- The lock on the tenant's row keeps other folders and a change of the time zone out; no writer asks for it. One statement
-- computes, writes and deletes: what its snapshot shows as unfolded is folded, and what is committed meanwhile stays. Journeys
-- have a statement of their own: a rule that was made invalid behind the guards fails them, and nothing else.

CREATE OR REPLACE FUNCTION attribution.fold_tenant(p_tenant uuid)
RETURNS boolean
LANGUAGE plpgsql
VOLATILE
SET jit = off
AS $$
DECLARE
    v_zone text;
    v_all boolean; -- nothing is folded that counts
    v_state text;
    v_message text;
    v_detail text;
    v_hint text;
BEGIN
    IF EXISTS (
        SELECT
        FROM attribution.summary_states AS s
        JOIN attribution.tenants AS t ON t.id = s.tenant_id
        WHERE s.tenant_id = p_tenant AND s.time_zone = t.time_zone AND s.book_rule_ids = attribution.book_rule_ids(p_tenant)
    ) AND NOT EXISTS (SELECT FROM attribution.unfolded_changes AS u WHERE u.tenant_id = p_tenant) THEN
        RETURN false;
    END IF;

    SELECT t.time_zone INTO v_zone FROM attribution.tenants AS t WHERE t.id = p_tenant FOR NO KEY UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    v_all := NOT EXISTS (
        SELECT FROM attribution.summary_states AS s WHERE s.tenant_id = p_tenant AND s.time_zone = v_zone
    );
    IF v_all THEN
        DELETE FROM attribution.channel_days AS k WHERE k.tenant_id = p_tenant;
        DELETE FROM attribution.ledger_days AS k WHERE k.tenant_id = p_tenant;
        DELETE FROM attribution.partner_totals AS k WHERE k.tenant_id = p_tenant;
    END IF;

    WITH taken AS (
        DELETE FROM attribution.unfolded_changes AS u WHERE u.tenant_id = p_tenant AND u.event_ids = '{}'
    ),
    channels AS (
        INSERT INTO attribution.channel_days AS k (
            tenant_id, day, rule_id, is_book, currency, channel_code, campaign_id, allocations, conversions, revenue_cents
        )
        SELECT p_tenant, n.* FROM attribution.unfolded_channel_days(p_tenant, v_zone, v_all) AS n
        ON CONFLICT (tenant_id, day, rule_id, is_book, currency, channel_code, campaign_id) DO UPDATE
        SET
            allocations = k.allocations + excluded.allocations,
            conversions = k.conversions + excluded.conversions,
            revenue_cents = k.revenue_cents + excluded.revenue_cents
    ),
    days AS (
        INSERT INTO attribution.ledger_days AS k (
            tenant_id, day, currency, transactions, conversions, gross_cents, refunded_cents
        )
        SELECT p_tenant, n.* FROM attribution.unfolded_ledger_days(p_tenant, v_zone, v_all) AS n
        ON CONFLICT (tenant_id, day, currency) DO UPDATE
        SET
            transactions = k.transactions + excluded.transactions,
            conversions = k.conversions + excluded.conversions,
            gross_cents = k.gross_cents + excluded.gross_cents,
            refunded_cents = k.refunded_cents + excluded.refunded_cents
    ),
    partners AS (
        INSERT INTO attribution.partner_totals AS k (
            tenant_id, partner_id, currency, sales, conversions, gross_cents, refunded_cents, net_usd_cents
        )
        SELECT p_tenant, n.* FROM attribution.unfolded_partner_totals(p_tenant, v_all) AS n
        ON CONFLICT (tenant_id, partner_id, currency) DO UPDATE
        SET
            sales = k.sales + excluded.sales,
            conversions = k.conversions + excluded.conversions,
            gross_cents = k.gross_cents + excluded.gross_cents,
            refunded_cents = k.refunded_cents + excluded.refunded_cents,
            net_usd_cents = k.net_usd_cents + excluded.net_usd_cents
    )
    INSERT INTO attribution.summary_states AS k (tenant_id, time_zone, folded_at)
    VALUES (p_tenant, v_zone, clock_timestamp())
    ON CONFLICT (tenant_id) DO UPDATE
    SET time_zone = excluded.time_zone, folded_at = excluded.folded_at;

    BEGIN
        WITH taken AS (
            DELETE FROM attribution.unfolded_changes AS u WHERE u.tenant_id = p_tenant AND u.event_ids <> '{}'
        ),
        unfolded AS MATERIALIZED (
            SELECT i.id FROM unnest(attribution.unfolded_conversions(p_tenant, p_with_queue => false)) AS i (id)
        ),
        found AS MATERIALIZED (
            SELECT p.* FROM attribution.paths_of(p_tenant, ARRAY(SELECT u.id FROM unfolded AS u)) AS p
        ),
        gone AS ( -- under other rules, a conversion may have no journey
            DELETE FROM attribution.conversion_paths AS k
            WHERE k.tenant_id = p_tenant AND EXISTS (SELECT FROM unfolded AS u WHERE u.id = k.event_id)
                AND NOT EXISTS (SELECT FROM found AS f WHERE f.event_id = k.event_id)
        ),
        paths AS (
            INSERT INTO attribution.conversion_paths AS k (tenant_id, event_id, path, currency, value_cents, touches, days)
            SELECT p_tenant, f.* FROM found AS f
            ON CONFLICT (tenant_id, event_id) DO UPDATE
            SET path = excluded.path, touches = excluded.touches, days = excluded.days
            WHERE (k.path, k.touches, k.days) IS DISTINCT FROM (excluded.path, excluded.touches, excluded.days)
        )
        UPDATE attribution.summary_states AS k
        SET book_rule_ids = attribution.book_rule_ids(p_tenant)
        WHERE k.tenant_id = p_tenant;
    EXCEPTION
        WHEN OTHERS THEN -- they stay unfolded, and whoever reads them is told, too
            GET STACKED DIAGNOSTICS
                v_state = RETURNED_SQLSTATE, v_message = MESSAGE_TEXT,
                v_detail = PG_EXCEPTION_DETAIL, v_hint = PG_EXCEPTION_HINT;
            RAISE WARNING USING
                ERRCODE = v_state,
                MESSAGE = format('tenant %s: its journeys are not folded: %s', p_tenant, v_message),
                DETAIL = concat_ws(E'\n', v_state || ': ' || v_message, nullif(v_detail, ''), nullif(v_hint, '')),
                HINT = 'Until they can be, journey_paths computes them when it is read, and fails on the same.';
    END;
    RETURN true;
END
$$;

ALTER FUNCTION attribution.fold_tenant(uuid) OWNER TO attribution_owner;

COMMENT ON FUNCTION attribution.fold_tenant(uuid) IS
'Takes what has changed into the summaries of a tenant, unless another transaction is at it; returns whether it did.';

REVOKE ALL ON FUNCTION attribution.fold_tenant(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.fold_tenant(uuid) TO attribution_engine;
