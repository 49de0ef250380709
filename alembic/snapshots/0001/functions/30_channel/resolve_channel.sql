-- resolve_channel(p_tenant, p_channel, p_payload): the channel code that an event means.
--
-- p_channel  label as sent; when given, it alone decides
-- p_payload  otherwise its click ids (gclid, fbclid, …), then its utm_source and utm_medium
-- Returns    an active code, or null. Exact codes first, then aliases: a tenant's before global ones, click ids before
--            utm, exact utm pairs before "source/*" before "*/medium".
-- Reads      channel_taxonomy, channel_aliases

CREATE OR REPLACE FUNCTION attribution.resolve_channel(p_tenant uuid, p_channel text, p_payload jsonb)
RETURNS text
LANGUAGE sql
STABLE
PARALLEL SAFE
AS $$
    WITH sent AS (
        SELECT
            attribution.fold_label(p_channel) AS label,
            attribution.fold_label(p_payload ->> 'utm_source') AS utm_source,
            attribution.fold_label(p_payload ->> 'utm_medium') AS utm_medium
    ),
    candidates AS (
        SELECT c.code, 0 AS rank
        FROM sent
        JOIN attribution.channel_taxonomy AS c ON c.code = sent.label
        UNION ALL
        SELECT
            a.channel_code,
            CASE WHEN a.tenant_id IS NULL THEN 10 ELSE 1 END
            + CASE
                WHEN a.match_kind IN ('label', 'click_id') THEN 0
                WHEN a.match_value LIKE '*/%' THEN 3
                WHEN a.match_value LIKE '%/*' THEN 2
                ELSE 1
            END
        FROM sent
        JOIN attribution.channel_aliases AS a ON (a.tenant_id = p_tenant OR a.tenant_id IS NULL) AND CASE
            WHEN p_channel IS NOT NULL THEN a.match_kind = 'label' AND a.match_value = sent.label
            WHEN a.match_kind = 'click_id' THEN p_payload ? a.match_value
            WHEN a.match_kind = 'utm' THEN a.match_value IN (
                sent.utm_source || '/' || sent.utm_medium, sent.utm_source || '/*', '*/' || sent.utm_medium
            )
            ELSE false
        END
    )
    SELECT k.code
    FROM candidates AS k
    JOIN attribution.channel_taxonomy AS c ON c.code = k.code AND c.is_active AND c.code <> 'unattributed'
    ORDER BY k.rank, k.code
    LIMIT 1
$$;

ALTER FUNCTION attribution.resolve_channel(uuid, text, jsonb) OWNER TO attribution_owner;

COMMENT ON FUNCTION attribution.resolve_channel(uuid, text, jsonb) IS
'The active channel code that a label, or else a payload''s click ids and utm pair, means to a tenant; null when none.';

REVOKE ALL ON FUNCTION attribution.resolve_channel(uuid, text, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.resolve_channel(uuid, text, jsonb)
TO attribution_engine, attribution_app, attribution_reader, attribution_admin;
