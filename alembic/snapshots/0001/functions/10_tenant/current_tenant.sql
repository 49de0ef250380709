-- current_tenant(): the tenant in context.
--
-- Returns  uuid, or null where there is no context. After a transaction with SET LOCAL the setting is '', not
--          null, hence the nullif.
-- Errors   22P02 when the setting is not a uuid.
-- Inlined into every policy, so: plain SQL, no SET, no SECURITY DEFINER.

CREATE OR REPLACE FUNCTION attribution.current_tenant()
RETURNS uuid
LANGUAGE sql
STABLE
PARALLEL SAFE
RETURN nullif(current_setting('app.current_tenant_id', true), '')::uuid;

ALTER FUNCTION attribution.current_tenant() OWNER TO attribution_owner;

COMMENT ON FUNCTION attribution.current_tenant() IS
'The tenant in context (setting app.current_tenant_id), or null. Set it with set_tenant() or authenticate().';

REVOKE ALL ON FUNCTION attribution.current_tenant() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.current_tenant()
TO attribution_engine, attribution_app, attribution_reader, attribution_admin;
