-- Named queries of the ledger, exchange rates and divisions by hand: controlplane.db.queries()["name"].
-- A superuser is above row-level security: these queries name the tenant themselves. Bounds of time may be null; without
-- a zone they are the tenant's, since `tenant_zone` comes first.

-- name: tenant_zone
SELECT pg_catalog.set_config('TimeZone', t.time_zone, true)
FROM attribution.tenants AS t
WHERE t.id = %s;

-- name: import_fx_rates
SELECT added, corrected, known FROM attribution.import_fx_rates(%s, %s, %s);

-- name: fx_rates
SELECT currency, rate_date, rate_to_usd::text, source, imported_at
FROM attribution.fx_rates
WHERE (%(currency)s::text IS NULL OR currency = %(currency)s)
    AND (%(from)s::date IS NULL OR rate_date >= %(from)s)
    AND (%(to)s::date IS NULL OR rate_date <= %(to)s)
ORDER BY currency, rate_date
LIMIT %(limit)s;

-- name: unconverted
SELECT u.currency, count(*) AS lines, min(u.rate_day) AS first_day, max(u.rate_day) AS last_day
FROM attribution.unconverted_lines AS u
WHERE u.tenant_id = %s
GROUP BY u.currency
ORDER BY u.currency;

-- name: override_allocation
SELECT attribution.override_allocation(%s, %s, %s::text::jsonb, %s, %s) AS override_id;

-- name: lift_override
SELECT attribution.lift_override(%s, %s, %s, %s) AS override_id;

-- name: overrides
-- The newest of a transaction is in force, unless it lifts those before it.
SELECT o.transaction_id, o.sequence, o.status, o.shares, o.override_by, o.reason, o.created_at, o.created_by, o.id AS override_id
FROM (
    SELECT
        i.*,
        CASE
            WHEN i.shares IS NULL THEN 'lifts'
            WHEN n.id IS NULL THEN 'in force'
            WHEN n.shares IS NULL THEN 'lifted'
            ELSE 'replaced'
        END AS status
    FROM attribution.allocation_overrides AS i
    LEFT JOIN attribution.allocation_overrides AS n
        ON n.tenant_id = i.tenant_id AND n.transaction_id = i.transaction_id AND n.sequence = i.sequence + 1
    WHERE i.tenant_id = %(tenant)s AND (%(transaction)s::text IS NULL OR i.transaction_id = %(transaction)s)
) AS o
WHERE %(history)s OR o.status = 'in force'
ORDER BY o.transaction_id, o.sequence;

-- name: transaction_shares
SELECT b.channel_code, b.campaign_id, b.partner_id, b.balance_cents::bigint, b.currency, c.minor_unit
FROM attribution.ledger_balances AS b
JOIN attribution.currencies AS c ON c.code = b.currency
WHERE b.tenant_id = %s AND b.transaction_id = %s AND b.balance_cents <> 0
ORDER BY b.currency, b.balance_cents DESC, b.channel_code;

-- name: balance_by_channel
-- US dollars of a part only would mislead: they are null while a line has none.
SELECT
    b.channel_code, b.currency, c.minor_unit, sum(b.balance_cents)::bigint AS balance_cents,
    sum(b.refunded_cents)::bigint AS refunded_cents,
    CASE WHEN max(u.lines) IS NULL THEN sum(b.balance_usd_cents)::bigint END AS balance_usd_cents,
    sum(b.lines)::bigint AS lines
FROM attribution.ledger_balances AS b
JOIN attribution.currencies AS c ON c.code = b.currency
LEFT JOIN (
    SELECT l.channel_code, l.currency, count(*) AS lines
    FROM attribution.unconverted_lines AS i
    JOIN attribution.revenue_ledger AS l ON l.tenant_id = i.tenant_id AND l.id = i.ledger_id
    WHERE i.tenant_id = %(tenant)s
    GROUP BY l.channel_code, l.currency
) AS u ON u.channel_code = b.channel_code AND u.currency = b.currency
WHERE b.tenant_id = %(tenant)s
GROUP BY b.channel_code, b.currency, c.minor_unit
ORDER BY b.currency, sum(b.balance_cents) DESC, b.channel_code
LIMIT %(limit)s;

-- name: balance_by_transaction
SELECT
    t.transaction_id, t.currency, c.minor_unit, t.state, t.captured_cents::bigint, t.refunded_cents::bigint,
    t.net_cents::bigint,
    CASE WHEN NOT EXISTS (
        SELECT
        FROM attribution.unconverted_lines AS u
        WHERE u.tenant_id = t.tenant_id AND u.transaction_id = t.transaction_id AND u.currency = t.currency
    ) THEN t.net_usd_cents::bigint END AS net_usd_cents,
    t.lines
FROM attribution.revenue_transactions AS t
JOIN attribution.currencies AS c ON c.code = t.currency
WHERE t.tenant_id = %(tenant)s
ORDER BY t.transaction_id, t.currency
LIMIT %(limit)s;

-- name: trial_balance
SELECT
    t.currency, c.minor_unit, t.captured_cents::bigint, t.refunded_cents::bigint, t.ledger_cents::bigint,
    t.difference_cents::bigint
FROM attribution.trial_balance AS t
JOIN attribution.currencies AS c ON c.code = t.currency
WHERE t.tenant_id = %(tenant)s
ORDER BY t.currency;

-- name: ledger_lines
-- Amounts are minor units, and decimal numbers beside them; times are UTC. `clock` is occurred or posted.
-- Batch by batch in the order of posting, which an index gives, however many there are.
SELECT
    l.id, l.batch_id, b.kind AS batch_kind,
    to_char(l.posted_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS posted_at,
    to_char(l.occurred_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS occurred_at,
    l.transaction_id, l.event_id, l.allocation_id, l.entry_type, l.account, l.state, l.previous_state, l.channel_code,
    l.campaign_id, l.partner_id, l.amount_cents, l.currency,
    (l.amount_cents * (ARRAY[1, 0.1, 0.01, 0.001, 0.0001])[c.minor_unit + 1])::text AS amount, l.amount_usd_cents,
    (l.amount_usd_cents * 0.01)::text AS amount_usd, l.fx_rate_used::text,
    to_char(l.fx_conversion_timestamp AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS fx_conversion_timestamp,
    l.reverses_id, l.revision, l.override_by, l.audit_trail
FROM attribution.revenue_ledger AS l
JOIN attribution.ledger_batches AS b ON b.tenant_id = l.tenant_id AND b.id = l.batch_id
JOIN attribution.currencies AS c ON c.code = l.currency
WHERE l.tenant_id = %(tenant)s
    AND (%(transaction)s::text IS NULL OR l.transaction_id = %(transaction)s)
    AND (%(from)s::timestamptz IS NULL OR CASE %(clock)s::text WHEN 'posted' THEN l.posted_at ELSE l.occurred_at END >= %(from)s)
    AND (%(to)s::timestamptz IS NULL OR CASE %(clock)s::text WHEN 'posted' THEN l.posted_at ELSE l.occurred_at END < %(to)s)
ORDER BY l.batch_id, l.id
LIMIT %(limit)s;

-- name: seal_ledger
SELECT attribution.seal_ledger(%s) AS sealed;

-- name: newest_seal
-- Of a tenant without one: seq 0 and no hash. Batches that were posted since are not covered by it.
SELECT
    t.name, coalesce(s.seq, 0) AS seq, encode(s.chain_hash, 'hex') AS chain_hash,
    to_char(s.sealed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS sealed_at,
    (SELECT count(*) FROM attribution.ledger_batches AS b WHERE b.tenant_id = t.id) - coalesce(s.seq, 0) AS unsealed_batches
FROM attribution.tenants AS t
LEFT JOIN LATERAL (
    SELECT i.seq, i.chain_hash, i.sealed_at
    FROM attribution.ledger_seals AS i
    WHERE i.tenant_id = t.id
    ORDER BY i.seq DESC
    LIMIT 1
) AS s ON true
WHERE t.id = %s;
