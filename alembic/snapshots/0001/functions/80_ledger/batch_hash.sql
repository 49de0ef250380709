-- batch_hash(p_kind, …, p_lines): the hash that a ledger batch carries.
--
-- p_kind … p_reason  the batch's own columns
-- p_lines            ledger_line_canonical() of its lines, in id order
-- Returns            SHA-256, 32 bytes

CREATE OR REPLACE FUNCTION attribution.batch_hash(
    p_kind text,
    p_cause_event_id uuid,
    p_rule_id uuid,
    p_posted_at timestamptz,
    p_posted_by name,
    p_reason text,
    p_lines text[]
)
RETURNS bytea
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
RETURN sha256(convert_to(attribution.canonical_form(
    p_kind, p_cause_event_id::text, p_rule_id::text, (extract(epoch FROM p_posted_at) * 1000000)::bigint::text,
    p_posted_by::text, p_reason, attribution.canonical_form(VARIADIC p_lines)
), 'UTF8'));

ALTER FUNCTION attribution.batch_hash(text, uuid, uuid, timestamptz, name, text, text[]) OWNER TO attribution_owner;

COMMENT ON FUNCTION attribution.batch_hash(text, uuid, uuid, timestamptz, name, text, text[]) IS
'The hash that a ledger batch carries: SHA-256 over its own columns and its lines.';

REVOKE ALL ON FUNCTION attribution.batch_hash(text, uuid, uuid, timestamptz, name, text, text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.batch_hash(text, uuid, uuid, timestamptz, name, text, text[])
TO attribution_engine, attribution_app, attribution_reader, attribution_admin;
