-- resolve_channel(p_tenant, p_channel, p_payload): the channel code that an event means, or null.
--
-- See match_channel(), which also says why.

CREATE OR REPLACE FUNCTION attribution.resolve_channel(p_tenant uuid, p_channel text, p_payload jsonb)
RETURNS text
LANGUAGE sql
STABLE
PARALLEL SAFE
RETURN (SELECT m.code FROM attribution.match_channel(p_tenant, p_channel, p_payload) AS m);

ALTER FUNCTION attribution.resolve_channel(uuid, text, jsonb) OWNER TO attribution_owner;

COMMENT ON FUNCTION attribution.resolve_channel(uuid, text, jsonb) IS
'The active channel code that a label, or else a payloads click ids and utm pair, means to a tenant; null when none.';

REVOKE ALL ON FUNCTION attribution.resolve_channel(uuid, text, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.resolve_channel(uuid, text, jsonb) TO attribution_engine, attribution_app, attribution_reader, attribution_admin;
