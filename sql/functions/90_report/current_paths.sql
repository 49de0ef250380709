-- current_paths(p_tenant): the way that the journey of every conversion goes, folded or computed now.
--
-- Returns  see paths_of()
-- Reads    conversion_paths; see unfolded_conversions() and paths_of()

CREATE OR REPLACE FUNCTION attribution.current_paths(p_tenant uuid)
RETURNS TABLE (
    event_id uuid,
    path text,
    currency text,
    value_cents bigint,
    touches int,
    days double precision
)
LANGUAGE plpgsql
STABLE
SET jit = off
AS $$
DECLARE
    v_unfolded constant uuid[] := attribution.unfolded_conversions(p_tenant);
BEGIN
    RETURN QUERY
    SELECT p.event_id, p.path, p.currency, p.value_cents, p.touches, p.days
    FROM attribution.conversion_paths AS p
    WHERE p.tenant_id = p_tenant AND NOT EXISTS (SELECT FROM unnest(v_unfolded) AS u (id) WHERE u.id = p.event_id);

    IF cardinality(v_unfolded) > 0 THEN
        RETURN QUERY SELECT p.* FROM attribution.paths_of(p_tenant, v_unfolded) AS p;
    END IF;
END
$$;

ALTER FUNCTION attribution.current_paths(uuid) OWNER TO attribution_owner;

COMMENT ON FUNCTION attribution.current_paths(uuid) IS
'The channels, touches and days of every conversion''s journey under its book rule, as of now.';

REVOKE ALL ON FUNCTION attribution.current_paths(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.current_paths(uuid)
TO attribution_engine, attribution_app, attribution_reader, attribution_admin;
