-- match_channel(p_tenant, p_channel, p_payload): which mapping an event meets, and the channel code that it means.
--
-- p_channel  label as sent; when given, it alone decides
-- p_payload  otherwise its click ids (gclid, fbclid, …), then its utm_source and utm_medium
-- Returns    no row when nothing matches; else code, match_kind (code: the label is one; label, click_id, utm), match_value,
--            and is_own: the mapping is the tenant's. Exact codes first, then aliases: a tenant's before global ones, click
--            ids before utm, exact utm pairs before "source/*" before "*/medium". Retired codes never match.
-- Reads      channel_taxonomy, channel_aliases

CREATE OR REPLACE FUNCTION attribution.match_channel(p_tenant uuid, p_channel text, p_payload jsonb)
RETURNS TABLE (code text, match_kind text, match_value text, is_own boolean)
LANGUAGE sql
STABLE
PARALLEL SAFE
AS $$
    WITH sent AS (
        SELECT
            attribution.fold_label(p_channel) AS label,
            attribution.fold_label(p_payload ->> 'utm_source') AS utm_source,
            attribution.fold_label(p_payload ->> 'utm_medium') AS utm_medium,
            ARRAY(
                SELECT attribution.fold_label(k.key)
                FROM jsonb_each(CASE jsonb_typeof(p_payload) WHEN 'object' THEN p_payload ELSE '{}' END) AS k (key)
            ) AS keys
    ),
    candidates AS (
        SELECT c.code, 'code' AS match_kind, c.code AS match_value, false AS is_own, 0 AS rank
        FROM sent
        JOIN attribution.channel_taxonomy AS c ON c.code = sent.label
        UNION ALL
        SELECT
            a.channel_code, a.match_kind, a.match_value, a.tenant_id IS NOT NULL,
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
            WHEN a.match_kind = 'click_id' THEN a.match_value = ANY (sent.keys)
            WHEN a.match_kind = 'utm' THEN a.match_value IN (
                sent.utm_source || '/' || sent.utm_medium, sent.utm_source || '/*', '*/' || sent.utm_medium
            )
            ELSE false
        END
    )
    SELECT k.code, k.match_kind, k.match_value, k.is_own
    FROM candidates AS k
    JOIN attribution.channel_taxonomy AS c ON c.code = k.code AND c.is_active AND c.code <> 'unattributed'
    ORDER BY k.rank, k.code
    LIMIT 1
$$;

ALTER FUNCTION attribution.match_channel(uuid, text, jsonb) OWNER TO attribution_owner;

COMMENT ON FUNCTION attribution.match_channel(uuid, text, jsonb) IS
'Which mapping a label, or else a payloads click ids and utm pair, meets, and the channel code that it means; no row when none.';

REVOKE ALL ON FUNCTION attribution.match_channel(uuid, text, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.match_channel(uuid, text, jsonb) TO attribution_engine, attribution_app, attribution_reader, attribution_admin;
