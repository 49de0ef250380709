-- platform_overclaim: what each ad platform claims for a channel and day, against what the book gives the channel.
--
-- Of a source's runs whose period holds a day, the newest counts.

CREATE OR REPLACE VIEW attribution.platform_overclaim
WITH (security_invoker = true)
AS
SELECT
    c.tenant_id,
    c.source,
    c.channel_code,
    c.day,
    c.currency,
    c.claimed_cents,
    b.ledger_cents,
    c.claimed_cents - b.ledger_cents AS overclaim_cents,
    round(c.claimed_cents / nullif(b.ledger_cents, 0), 4) AS claim_ratio
FROM (
    SELECT
        p.tenant_id, p.source, p.channel_code, p.day, p.currency, p.day::timestamp AT TIME ZONE t.time_zone AS start,
        (p.day + 1)::timestamp AT TIME ZONE t.time_zone AS finish, sum(p.amount_cents) AS claimed_cents
    FROM attribution.reported_revenue AS p
    JOIN attribution.tenants AS t ON t.id = p.tenant_id
    WHERE p.kind = 'ad_platform' AND p.run_id = (
        SELECT r.id
        FROM attribution.reconciliation_runs AS r
        WHERE r.tenant_id = p.tenant_id AND r.source = p.source AND r.kind = 'ad_platform' AND r.state = 'completed'
            AND p.day::timestamp AT TIME ZONE t.time_zone >= coalesce(r.period_from, '-infinity')
            AND p.day::timestamp AT TIME ZONE t.time_zone < coalesce(r.period_to, 'infinity')
        ORDER BY r.started_at DESC, r.id DESC
        LIMIT 1
    )
    GROUP BY p.tenant_id, p.source, p.channel_code, p.day, p.currency, t.time_zone
) AS c
CROSS JOIN LATERAL (
    SELECT coalesce(sum(l.amount_cents), 0) AS ledger_cents
    FROM attribution.revenue_ledger AS l
    WHERE l.tenant_id = c.tenant_id AND l.occurred_at >= c.start AND l.occurred_at < c.finish AND l.account = 'revenue'
        AND l.channel_code = c.channel_code AND l.currency = c.currency
) AS b;

ALTER VIEW attribution.platform_overclaim OWNER TO attribution_owner;

COMMENT ON VIEW attribution.platform_overclaim IS
'What each ad platform claims for a channel and day, against what the ledger gives the channel of the day''s sales before refunds. Of runs about a day the newest counts.';
COMMENT ON COLUMN attribution.platform_overclaim.tenant_id IS 'Tenant.';
COMMENT ON COLUMN attribution.platform_overclaim.source IS 'The platform.';
COMMENT ON COLUMN attribution.platform_overclaim.channel_code IS 'Channel.';
COMMENT ON COLUMN attribution.platform_overclaim.day IS 'Day in the tenant''s time zone.';
COMMENT ON COLUMN attribution.platform_overclaim.currency IS 'ISO 4217 code.';
COMMENT ON COLUMN attribution.platform_overclaim.claimed_cents IS 'What the platform claims, minor units.';
COMMENT ON COLUMN attribution.platform_overclaim.ledger_cents IS 'What the book gives the channel of that day''s sales, before refunds, minor units.';
COMMENT ON COLUMN attribution.platform_overclaim.overclaim_cents IS 'claimed_cents minus ledger_cents; below 0: the platform claims less.';
COMMENT ON COLUMN attribution.platform_overclaim.claim_ratio IS 'claimed_cents by ledger_cents; null where the ledger gives nothing.';

REVOKE ALL ON attribution.platform_overclaim FROM PUBLIC;
GRANT SELECT ON attribution.platform_overclaim TO attribution_app, attribution_reader, attribution_admin;
