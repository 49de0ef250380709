-- ledger_line_hash(p_line): the hash of a ledger line.
--
-- Returns  SHA-256 over canonical_form() of its columns but for the batch, in column order, in UTF-8; times are microseconds
--          since 1970, whatever the session's time zone; 32 bytes

CREATE OR REPLACE FUNCTION attribution.ledger_line_hash(p_line attribution.revenue_ledger)
RETURNS bytea
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
RETURN sha256(convert_to(attribution.canonical_form(
    p_line.tenant_id::text, p_line.id::text, p_line.transaction_id, p_line.event_id::text, p_line.allocation_id::text,
    p_line.entry_type, p_line.account, p_line.state, p_line.previous_state, p_line.channel_code, p_line.campaign_id,
    p_line.partner_id,
    p_line.amount_cents::text, p_line.currency, p_line.amount_usd_cents::text, p_line.fx_rate_used::text,
    (extract(epoch FROM p_line.fx_conversion_timestamp) * 1000000)::bigint::text, p_line.reverses_id::text,
    p_line.revision::text, p_line.override_by, p_line.audit_trail::text,
    (extract(epoch FROM p_line.occurred_at) * 1000000)::bigint::text,
    (extract(epoch FROM p_line.posted_at) * 1000000)::bigint::text
), 'UTF8'));

ALTER FUNCTION attribution.ledger_line_hash(attribution.revenue_ledger) OWNER TO attribution_owner;

COMMENT ON FUNCTION attribution.ledger_line_hash(attribution.revenue_ledger) IS
'The hash of a ledger line: SHA-256 over its columns but for the batch, length-prefixed, in column order.';

REVOKE ALL ON FUNCTION attribution.ledger_line_hash(attribution.revenue_ledger) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.ledger_line_hash(attribution.revenue_ledger)
TO attribution_engine, attribution_app, attribution_reader, attribution_admin;
