-- create_tenant(…): a tenant with its starting rules: the book (position_based, 30 days) and two shadow rules
-- (last_touch, linear).
--
-- p_name                name for people, unique by convention only
-- p_notification_email  where operators reach the tenant
-- p_reporting_currency  ISO 4217 code
-- p_time_zone           IANA zone in which days begin and end
-- p_settings            see the comment of tenants.settings
-- Returns  tenant_id, and api_key: shown this once, only its SHA-256 is stored
-- Errors   23503 unknown currency; 22023 unknown time zone; 23514 malformed name, e-mail or settings
-- Writes   tenants, attribution_rules
-- SECURITY DEFINER: there is no context yet for the tenant that is being made.

CREATE OR REPLACE FUNCTION attribution.create_tenant(
    p_name text,
    p_notification_email text,
    p_reporting_currency text DEFAULT 'USD',
    p_time_zone text DEFAULT 'UTC',
    p_settings jsonb DEFAULT '{}'
)
RETURNS TABLE (tenant_id uuid, api_key text)
LANGUAGE plpgsql
VOLATILE
SECURITY DEFINER
SET search_path = attribution, pg_temp
AS $$
DECLARE
    v_key text := attribution.new_api_key();
    v_tenant uuid;
BEGIN
    INSERT INTO attribution.tenants (name, notification_email, api_key_hash, reporting_currency, time_zone, settings)
    VALUES (p_name, p_notification_email, sha256(convert_to(v_key, 'UTF8')), p_reporting_currency, p_time_zone, p_settings)
    RETURNING id INTO v_tenant;

    INSERT INTO attribution.attribution_rules (tenant_id, name, model_type, config, is_book, status)
    VALUES
        (v_tenant, 'position_based_30d', 'position_based', '{"lookback": "30 days"}', true, 'active'),
        (v_tenant, 'last_touch', 'last_touch', '{"lookback": "30 days"}', false, 'active'),
        (v_tenant, 'linear', 'linear', '{"lookback": "30 days"}', false, 'active');

    RETURN QUERY SELECT v_tenant, v_key;
END
$$;

ALTER FUNCTION attribution.create_tenant(text, text, text, text, jsonb) OWNER TO attribution_engine;

COMMENT ON FUNCTION attribution.create_tenant(text, text, text, text, jsonb) IS
'Makes a tenant with its starting rules; returns its id and API key (shown this once). Errors: 23503 currency, 22023 time zone, 23514 malformed value.';

REVOKE ALL ON FUNCTION attribution.create_tenant(text, text, text, text, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.create_tenant(text, text, text, text, jsonb) TO attribution_admin;
