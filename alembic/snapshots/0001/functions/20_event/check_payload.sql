-- check_payload(p_payload): what is wrong with a raw_payload.
--
-- Returns  error code (see dead_events.error_code), message, hint; all null when nothing is
--
-- Its size is that of its text, not that of the stored datum, which may be compressed. Huge numbers come first: 1e131071
-- takes ten bytes and 131 KiB of text, so a payload full of them must not be spelled out.

CREATE OR REPLACE FUNCTION attribution.check_payload(
    p_payload jsonb,
    OUT error_code text,
    OUT error_message text,
    OUT error_hint text
)
LANGUAGE plpgsql
IMMUTABLE
PARALLEL SAFE
AS $$
DECLARE
    v_bytes int;
    v_pii text;
BEGIN
    IF jsonb_typeof(p_payload) <> 'object' THEN
        error_code := 'INVALID_VALUE';
        error_message := format('raw_payload is not an object but a %s', jsonb_typeof(p_payload));
        error_hint := 'Send a JSON object, or nothing.';
        RETURN;
    END IF;
    IF p_payload @? '$.** ? (@.type() == "number" && (@.abs() > 1e40 || (@.abs() < 1e-40 && @ != 0)))' THEN
        error_code := 'INVALID_VALUE';
        error_message := 'raw_payload holds a number beyond 1e40 or below 1e-40';
        error_hint := 'Send such a number as text.';
        RETURN;
    END IF;
    v_bytes := octet_length(p_payload::text);
    IF v_bytes > 65536 THEN
        error_code := 'PAYLOAD_TOO_LARGE';
        error_message := format('raw_payload has %s bytes, more than 64 KiB', v_bytes);
        error_hint := 'Keep the document elsewhere and send its id.';
        RETURN;
    END IF;
    v_pii := attribution.find_pii(p_payload);
    IF v_pii IS NOT NULL THEN
        error_code := 'PII_DETECTED';
        error_message := format('raw_payload holds personal data: %s', v_pii);
        error_hint := 'Leave it out, or send an opaque id instead; events hold no personal data.';
    END IF;
EXCEPTION
    WHEN statement_too_complex THEN -- the JSON parser let it pass, looking into it would exhaust the stack
        error_code := 'INVALID_VALUE';
        error_message := 'raw_payload is nested too deeply';
        error_hint := 'Send a flatter object: a few hundred levels are fine.';
END
$$;

ALTER FUNCTION attribution.check_payload(jsonb) OWNER TO attribution_owner;

COMMENT ON FUNCTION attribution.check_payload(jsonb) IS
'What is wrong with a raw_payload: error code, message and hint; nulls when nothing is.';

REVOKE ALL ON FUNCTION attribution.check_payload(jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.check_payload(jsonb) TO attribution_engine, attribution_admin;
