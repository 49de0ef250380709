-- ledger_balances: what each channel holds of each transaction.

CREATE OR REPLACE VIEW attribution.ledger_balances
WITH (security_invoker = true)
AS
SELECT
    l.tenant_id,
    l.transaction_id,
    l.channel_code,
    l.campaign_id,
    l.partner_id,
    l.currency,
    sum(l.amount_cents) AS balance_cents,
    sum(l.amount_usd_cents) AS balance_usd_cents,
    coalesce(-sum(l.amount_cents) FILTER (WHERE l.account = 'returns'), 0) AS refunded_cents,
    count(*) AS lines
FROM attribution.revenue_ledger AS l
GROUP BY l.tenant_id, l.transaction_id, l.channel_code, l.campaign_id, l.partner_id, l.currency;

ALTER VIEW attribution.ledger_balances OWNER TO attribution_owner;

COMMENT ON VIEW attribution.ledger_balances IS
'What each channel, campaign and partner holds of each transaction, refunds taken off. Sum it by channel_code for what a channel has earned.';
COMMENT ON COLUMN attribution.ledger_balances.tenant_id IS 'Tenant.';
COMMENT ON COLUMN attribution.ledger_balances.transaction_id IS 'The sale.';
COMMENT ON COLUMN attribution.ledger_balances.channel_code IS 'Channel credited.';
COMMENT ON COLUMN attribution.ledger_balances.campaign_id IS 'Campaign credited.';
COMMENT ON COLUMN attribution.ledger_balances.partner_id IS 'Partner credited.';
COMMENT ON COLUMN attribution.ledger_balances.currency IS 'ISO 4217 code.';
COMMENT ON COLUMN attribution.ledger_balances.balance_cents IS 'Sum of the lines, minor units.';
COMMENT ON COLUMN attribution.ledger_balances.balance_usd_cents IS 'Sum of the lines in US cents; null while no rate is known.';
COMMENT ON COLUMN attribution.ledger_balances.refunded_cents IS 'Refunds and chargebacks that are off it, as a positive number, minor units.';
COMMENT ON COLUMN attribution.ledger_balances.lines IS 'Ledger lines, reversals included.';

REVOKE ALL ON attribution.ledger_balances FROM PUBLIC;
GRANT SELECT ON attribution.ledger_balances TO attribution_app, attribution_reader, attribution_admin;
