-- rule_applies(p_applies_to, …): does a rule apply to a conversion?
--
-- p_applies_to     the rule's filter: event_types, campaigns, currencies, partners (lists), min_value_cents,
--                  max_value_cents (inclusive); an absent key filters nothing
-- p_event_type …   the conversion
-- Returns          true when every given filter lets the conversion pass

CREATE OR REPLACE FUNCTION attribution.rule_applies(
    p_applies_to jsonb,
    p_event_type text,
    p_campaign_id text,
    p_partner_id text,
    p_currency text,
    p_value_cents bigint
)
RETURNS boolean
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
RETURN p_applies_to = '{}' OR coalesce(
    (NOT p_applies_to ? 'event_types' OR p_applies_to -> 'event_types' ? p_event_type)
    AND (NOT p_applies_to ? 'campaigns' OR p_applies_to -> 'campaigns' ? p_campaign_id)
    AND (NOT p_applies_to ? 'partners' OR p_applies_to -> 'partners' ? p_partner_id)
    AND (NOT p_applies_to ? 'currencies' OR p_applies_to -> 'currencies' ? p_currency)
    AND (NOT p_applies_to ? 'min_value_cents' OR p_value_cents >= (p_applies_to ->> 'min_value_cents')::numeric)
    AND (NOT p_applies_to ? 'max_value_cents' OR p_value_cents <= (p_applies_to ->> 'max_value_cents')::numeric),
    false
);

ALTER FUNCTION attribution.rule_applies(jsonb, text, text, text, text, bigint) OWNER TO attribution_owner;

COMMENT ON FUNCTION attribution.rule_applies(jsonb, text, text, text, text, bigint) IS
'True when a rules filter (applies_to) lets a conversion pass.';

REVOKE ALL ON FUNCTION attribution.rule_applies(jsonb, text, text, text, text, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.rule_applies(jsonb, text, text, text, text, bigint)
TO attribution_engine, attribution_app, attribution_reader, attribution_admin;
