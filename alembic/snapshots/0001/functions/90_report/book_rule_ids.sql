-- book_rule_ids(p_tenant): the active book rules: the same ids, the same journeys, since a version never changes.
--
-- Returns  ids in ascending order
-- Reads    attribution_rules

CREATE OR REPLACE FUNCTION attribution.book_rule_ids(p_tenant uuid)
RETURNS uuid[]
LANGUAGE sql
STABLE
PARALLEL SAFE
AS $$
    SELECT coalesce(array_agg(r.id ORDER BY r.id), '{}')
    FROM attribution.attribution_rules AS r
    WHERE r.tenant_id = p_tenant AND r.status = 'active' AND r.is_book
$$;

ALTER FUNCTION attribution.book_rule_ids(uuid) OWNER TO attribution_owner;

COMMENT ON FUNCTION attribution.book_rule_ids(uuid) IS 'The active book rules of a tenant, in ascending order.';

REVOKE ALL ON FUNCTION attribution.book_rule_ids(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.book_rule_ids(uuid)
TO attribution_engine, attribution_app, attribution_reader, attribution_admin;
