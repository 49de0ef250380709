-- resolve_label(p_tenant, p_label): the channel code that a label means, or null.
--
-- Returns  what match_channel() says of a label: an active code, else the tenant's alias of an active one, else everyone's
-- Reads    channel_taxonomy, channel_aliases
-- Three probes by key, each made when the one before finds nothing. PL/pgSQL, not SQL: its plan is kept for the session.

CREATE OR REPLACE FUNCTION attribution.resolve_label(p_tenant uuid, p_label text)
RETURNS text
LANGUAGE plpgsql
STABLE
PARALLEL SAFE
AS $$
DECLARE
    v_label text := attribution.fold_label(p_label);
BEGIN
    RETURN coalesce(
        (
            SELECT c.code
            FROM attribution.channel_taxonomy AS c
            WHERE c.code = v_label AND c.is_active AND c.code <> 'unattributed'
        ),
        (
            SELECT c.code
            FROM attribution.channel_aliases AS a
            JOIN attribution.channel_taxonomy AS c ON c.code = a.channel_code AND c.is_active
            WHERE a.tenant_id = p_tenant AND a.match_kind = 'label' AND a.match_value = v_label
        ),
        (
            SELECT c.code
            FROM attribution.channel_aliases AS a
            JOIN attribution.channel_taxonomy AS c ON c.code = a.channel_code AND c.is_active
            WHERE a.tenant_id IS NULL AND a.match_kind = 'label' AND a.match_value = v_label
        )
    );
END
$$;

ALTER FUNCTION attribution.resolve_label(uuid, text) OWNER TO attribution_owner;

COMMENT ON FUNCTION attribution.resolve_label(uuid, text) IS
'The active channel code that a label means to a tenant; null when none. What match_channel() says, found faster.';

REVOKE ALL ON FUNCTION attribution.resolve_label(uuid, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.resolve_label(uuid, text) TO attribution_engine, attribution_app, attribution_reader, attribution_admin;
