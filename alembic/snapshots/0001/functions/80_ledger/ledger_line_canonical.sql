-- ledger_line_canonical(…): the bytes of a ledger line that batches are hashed over.
--
-- Returns  canonical_form() of its columns but for the batch; times are microseconds since 1970, whatever the session's time
--          zone

CREATE OR REPLACE FUNCTION attribution.ledger_line_canonical(
    p_tenant uuid,
    p_id uuid,
    p_transaction_id text,
    p_event_id uuid,
    p_allocation_id uuid,
    p_entry_type text,
    p_state text,
    p_previous_state text,
    p_channel_code text,
    p_campaign_id text,
    p_partner_id text,
    p_amount_cents bigint,
    p_currency text,
    p_amount_usd_cents bigint,
    p_fx_rate_used numeric,
    p_fx_conversion_timestamp timestamptz,
    p_reverses_id uuid,
    p_override_by name,
    p_audit_trail jsonb,
    p_occurred_at timestamptz,
    p_posted_at timestamptz
)
RETURNS text
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
RETURN attribution.canonical_form(
    p_tenant::text, p_id::text, p_transaction_id, p_event_id::text, p_allocation_id::text, p_entry_type, p_state,
    p_previous_state, p_channel_code, p_campaign_id, p_partner_id, p_amount_cents::text, p_currency, p_amount_usd_cents::text,
    p_fx_rate_used::text, (extract(epoch FROM p_fx_conversion_timestamp) * 1000000)::bigint::text, p_reverses_id::text,
    p_override_by::text, p_audit_trail::text, (extract(epoch FROM p_occurred_at) * 1000000)::bigint::text,
    (extract(epoch FROM p_posted_at) * 1000000)::bigint::text
);

ALTER FUNCTION attribution.ledger_line_canonical(
    uuid, uuid, text, uuid, uuid, text, text, text, text, text, text, bigint, text, bigint, numeric, timestamptz, uuid, name,
    jsonb, timestamptz, timestamptz
) OWNER TO attribution_owner;

COMMENT ON FUNCTION attribution.ledger_line_canonical(
    uuid, uuid, text, uuid, uuid, text, text, text, text, text, text, bigint, text, bigint, numeric, timestamptz, uuid, name,
    jsonb, timestamptz, timestamptz
) IS 'The bytes of a ledger line that batches are hashed over: length-prefixed fields in column order.';

REVOKE ALL ON FUNCTION attribution.ledger_line_canonical(
    uuid, uuid, text, uuid, uuid, text, text, text, text, text, text, bigint, text, bigint, numeric, timestamptz, uuid, name,
    jsonb, timestamptz, timestamptz
) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.ledger_line_canonical(
    uuid, uuid, text, uuid, uuid, text, text, text, text, text, text, bigint, text, bigint, numeric, timestamptz, uuid, name,
    jsonb, timestamptz, timestamptz
) TO attribution_engine, attribution_app, attribution_reader, attribution_admin;
