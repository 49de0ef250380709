-- trial_balance: the facts against the ledger, by currency. The difference is zero.

CREATE OR REPLACE VIEW attribution.trial_balance
WITH (security_invoker = true)
AS
SELECT
    x.tenant_id,
    x.currency,
    sum(x.captured) AS captured_cents,
    sum(x.taken_back) AS refunded_cents,
    sum(x.held) AS ledger_cents,
    sum(x.captured) - sum(x.taken_back) - sum(x.held) AS difference_cents
FROM (
    SELECT
        e.tenant_id, e.currency,
        CASE e.event_kind WHEN 'conversion' THEN e.conversion_value_cents ELSE 0 END AS captured,
        CASE e.event_kind WHEN 'refund' THEN e.conversion_value_cents ELSE 0 END AS taken_back,
        0::bigint AS held
    FROM attribution.attribution_events AS e
    JOIN attribution.event_processing AS p ON p.tenant_id = e.tenant_id AND p.event_id = e.id
    WHERE e.event_kind IN ('conversion', 'refund') AND (p.processing_status = 'processed' OR EXISTS (
        SELECT
        FROM attribution.attribution_allocations AS a
        WHERE a.tenant_id = e.tenant_id AND a.event_id = e.id AND a.superseded_at IS NULL AND a.is_book
    ))
    UNION ALL
    SELECT l.tenant_id, l.currency, 0, 0, l.amount_cents
    FROM attribution.revenue_ledger AS l
) AS x
GROUP BY x.tenant_id, x.currency;

ALTER VIEW attribution.trial_balance OWNER TO attribution_owner;

COMMENT ON VIEW attribution.trial_balance IS
'By currency: what the booked sales captured, minus what booked refunds and chargebacks took back, against the sum of the ledger. The difference must be 0.';
COMMENT ON COLUMN attribution.trial_balance.tenant_id IS 'Tenant.';
COMMENT ON COLUMN attribution.trial_balance.currency IS 'ISO 4217 code.';
COMMENT ON COLUMN attribution.trial_balance.captured_cents IS 'Value of the booked conversions, minor units.';
COMMENT ON COLUMN attribution.trial_balance.refunded_cents IS 'Value of the booked refunds and chargebacks, minor units.';
COMMENT ON COLUMN attribution.trial_balance.ledger_cents IS 'Sum of the ledger''s lines, minor units.';
COMMENT ON COLUMN attribution.trial_balance.difference_cents IS 'captured_cents minus refunded_cents minus ledger_cents: always 0.';

REVOKE ALL ON attribution.trial_balance FROM PUBLIC;
GRANT SELECT ON attribution.trial_balance TO attribution_app, attribution_reader, attribution_admin;
