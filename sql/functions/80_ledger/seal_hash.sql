-- seal_hash(…): the hash of one link of a tenant's chain.
--
-- p_prev_hash  chain_hash of the seal before; 32 zero bytes for the first
-- Returns      SHA-256 over canonical_form() of its columns, bytes in hex, the time in microseconds since 1970; 32 bytes

CREATE OR REPLACE FUNCTION attribution.seal_hash(
    p_tenant uuid,
    p_seq bigint,
    p_batch_id uuid,
    p_batch_hash bytea,
    p_prev_hash bytea,
    p_sealed_at timestamptz
)
RETURNS bytea
LANGUAGE sql
STABLE
PARALLEL SAFE
RETURN sha256(convert_to(
    attribution.canonical_field(p_tenant::text)
    || ',' || attribution.canonical_field(p_seq::text)
    || ',' || attribution.canonical_field(p_batch_id::text)
    || ',' || attribution.canonical_field(encode(p_batch_hash, 'hex'))
    || ',' || attribution.canonical_field(encode(p_prev_hash, 'hex'))
    || ',' || attribution.canonical_field(attribution.epoch_microseconds(p_sealed_at)::text),
    'UTF8'));

ALTER FUNCTION attribution.seal_hash(uuid, bigint, uuid, bytea, bytea, timestamptz) OWNER TO attribution_owner;

COMMENT ON FUNCTION attribution.seal_hash(uuid, bigint, uuid, bytea, bytea, timestamptz) IS
'The hash of one link of a tenant''s chain: SHA-256 over its columns, the hash of the link before included.';

REVOKE ALL ON FUNCTION attribution.seal_hash(uuid, bigint, uuid, bytea, bytea, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.seal_hash(uuid, bigint, uuid, bytea, bytea, timestamptz)
TO attribution_engine, attribution_app, attribution_reader, attribution_admin;
