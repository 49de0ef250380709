-- batch_hash(p_batch): the hash that a ledger batch carries.
--
-- Returns  SHA-256 over canonical_form() of the batch's columns, then the id and hash (in hex) of each of its lines, in UTF-8;
--          32 bytes

CREATE OR REPLACE FUNCTION attribution.batch_hash(p_batch attribution.ledger_batches)
RETURNS bytea
LANGUAGE plpgsql
IMMUTABLE
PARALLEL SAFE
AS $$
BEGIN
    RETURN sha256(convert_to(
        attribution.canonical_field(p_batch.tenant_id::text)
        || ',' || attribution.canonical_field(p_batch.id::text)
        || ',' || attribution.canonical_field(p_batch.kind)
        || ',' || attribution.canonical_field(p_batch.cause_event_id::text)
        || ',' || attribution.canonical_field(p_batch.rule_id::text)
        || ',' || attribution.canonical_field(attribution.epoch_microseconds(p_batch.posted_at)::text)
        || ',' || attribution.canonical_field(p_batch.posted_by::text)
        || ',' || attribution.canonical_field(p_batch.reason)
        || ',' || attribution.canonical_field(p_batch.entry_count::text)
        || ',' || attribution.canonical_field(array_to_string(p_batch.line_ids, ','))
        || ',' || (
            SELECT attribution.canonical_field(string_agg(encode(h.hash, 'hex'), ',' ORDER BY h.place))
            FROM unnest(p_batch.line_hashes) WITH ORDINALITY AS h (hash, place)
        ),
        'UTF8'));
END
$$;

ALTER FUNCTION attribution.batch_hash(attribution.ledger_batches) OWNER TO attribution_owner;

COMMENT ON FUNCTION attribution.batch_hash(attribution.ledger_batches) IS
'The hash that a ledger batch carries: SHA-256 over its own columns and the ids and hashes of its lines.';

REVOKE ALL ON FUNCTION attribution.batch_hash(attribution.ledger_batches) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.batch_hash(attribution.ledger_batches)
TO attribution_engine, attribution_app, attribution_reader, attribution_admin;
