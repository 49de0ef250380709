-- resolve_channel(p_tenant, p_channel, p_payload): the channel code that an event means, or null.
--
-- See match_channel(), which also says why. A label is resolved by resolve_label(): the same answer, faster.

CREATE OR REPLACE FUNCTION attribution.resolve_channel(p_tenant uuid, p_channel text, p_payload jsonb)
RETURNS text
LANGUAGE sql
STABLE
PARALLEL SAFE
RETURN CASE
    WHEN p_channel IS NULL THEN (SELECT m.code FROM attribution.match_channel(p_tenant, NULL, p_payload) AS m)
    ELSE attribution.resolve_label(p_tenant, p_channel)
END;

ALTER FUNCTION attribution.resolve_channel(uuid, text, jsonb) OWNER TO attribution_owner;

COMMENT ON FUNCTION attribution.resolve_channel(uuid, text, jsonb) IS
'The active channel code that a label, or else a payloads click ids and utm pair, means to a tenant; null when none.';

REVOKE ALL ON FUNCTION attribution.resolve_channel(uuid, text, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.resolve_channel(uuid, text, jsonb) TO attribution_engine, attribution_app, attribution_reader, attribution_admin;
