-- ledger_line_hash(p_line): the hash of a ledger line.
--
-- Returns  SHA-256 over canonical_form() of its columns but for the batch, in column order, in UTF-8; times are microseconds
--          since 1970, whatever the session's time zone; 32 bytes
--
-- The form is spelled out field by field: one expression, which is inlined where a batch of lines is hashed, and no executor
-- is started for each line. STABLE only because convert_to() is; as IMMUTABLE it would not be inlined.

CREATE OR REPLACE FUNCTION attribution.ledger_line_hash(p_line attribution.revenue_ledger)
RETURNS bytea
LANGUAGE sql
STABLE
PARALLEL SAFE
RETURN sha256(convert_to(
    attribution.canonical_field(p_line.tenant_id::text)
    || ',' || attribution.canonical_field(p_line.id::text)
    || ',' || attribution.canonical_field(p_line.transaction_id)
    || ',' || attribution.canonical_field(p_line.event_id::text)
    || ',' || attribution.canonical_field(p_line.allocation_id::text)
    || ',' || attribution.canonical_field(p_line.entry_type)
    || ',' || attribution.canonical_field(p_line.account)
    || ',' || attribution.canonical_field(p_line.state)
    || ',' || attribution.canonical_field(p_line.previous_state)
    || ',' || attribution.canonical_field(p_line.channel_code)
    || ',' || attribution.canonical_field(p_line.campaign_id)
    || ',' || attribution.canonical_field(p_line.partner_id)
    || ',' || attribution.canonical_field(p_line.amount_cents::text)
    || ',' || attribution.canonical_field(p_line.currency)
    || ',' || attribution.canonical_field(p_line.amount_usd_cents::text)
    || ',' || attribution.canonical_field(p_line.fx_rate_used::text)
    || ',' || attribution.canonical_field(attribution.epoch_microseconds(p_line.fx_conversion_timestamp)::text)
    || ',' || attribution.canonical_field(p_line.reverses_id::text)
    || ',' || attribution.canonical_field(p_line.revision::text)
    || ',' || attribution.canonical_field(p_line.override_by)
    || ',' || attribution.canonical_field(p_line.audit_trail::text)
    || ',' || attribution.canonical_field(attribution.epoch_microseconds(p_line.occurred_at)::text)
    || ',' || attribution.canonical_field(attribution.epoch_microseconds(p_line.posted_at)::text),
    'UTF8'));

ALTER FUNCTION attribution.ledger_line_hash(attribution.revenue_ledger) OWNER TO attribution_owner;

COMMENT ON FUNCTION attribution.ledger_line_hash(attribution.revenue_ledger) IS
'The hash of a ledger line: SHA-256 over its columns but for the batch, length-prefixed, in column order.';

REVOKE ALL ON FUNCTION attribution.ledger_line_hash(attribution.revenue_ledger) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.ledger_line_hash(attribution.revenue_ledger)
TO attribution_engine, attribution_app, attribution_reader, attribution_admin;
