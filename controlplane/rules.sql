-- Named queries of rules, channels and explanations: controlplane.db.queries()["name"].

-- name: validate_rule
SELECT path, message, hint FROM attribution.validate_rule(%s) ORDER BY path, message;

-- name: rules
-- A superuser is above row-level security: these queries name the tenant themselves.
SELECT name, version, model_type, config, applies_to, priority, is_book, constraint_mode, status, created_at, created_by
FROM attribution.attribution_rules
WHERE tenant_id = %s
ORDER BY name, version;

-- name: apply_rule
SELECT rule_id, version, change FROM attribution.apply_rule(%s, %s, %s);

-- name: set_rule_status
SELECT attribution.set_rule_status(%s, %s, %s, %s) AS rule_id;

-- name: conversions_of_rule
SELECT
    count(*) AS conversions,
    count(*) FILTER (WHERE attribution.rule_applies(
        %(applies_to)s, e.event_type, e.campaign_id, e.partner_id, e.currency, e.conversion_value_cents
    )) AS applicable
FROM attribution.attribution_events AS e
WHERE e.tenant_id = %(tenant)s AND e.event_kind = 'conversion' AND e.occurred_at >= now() - %(days)s * interval '1 day';

-- name: simulate_rule
SELECT s.channel_code, s.currency, c.minor_unit, s.current_cents, s.simulated_cents
FROM attribution.simulate_rule(%(tenant)s, %(rule)s, now() - %(days)s * interval '1 day') AS s
JOIN attribution.currencies AS c ON c.code = s.currency
ORDER BY s.currency, abs(s.simulated_cents - s.current_cents) DESC, s.channel_code;

-- name: conversion_days
-- The days that have conversions, in the tenant's zone, as the instants where they begin and end.
SELECT
    d.day, (d.day::timestamp AT TIME ZONE z.time_zone)::text AS start,
    ((d.day + 1)::timestamp AT TIME ZONE z.time_zone)::text AS finish
FROM attribution.list_tenants() AS z
CROSS JOIN LATERAL (
    SELECT DISTINCT (e.occurred_at AT TIME ZONE z.time_zone)::date AS day
    FROM attribution.attribution_events AS e
    WHERE e.tenant_id = z.id AND e.event_kind = 'conversion'
        AND e.occurred_at >= (%(from)s::date)::timestamp AT TIME ZONE z.time_zone
) AS d
WHERE z.id = %(tenant)s
ORDER BY d.day;

-- name: preview_allocation
SELECT touch_id, position, channel_code, weight, allocation_ratio, allocated_revenue_cents, reason
FROM attribution.preview_allocation(%s, %s, %s, %s);

-- name: minor_units
SELECT code, minor_unit FROM attribution.currencies;

-- name: apply_channel
SELECT attribution.apply_channel(%s, %s, %s, %s, %s) AS change;

-- name: map_channel
SELECT attribution.map_channel(%s, %s, %s, %s) AS change;

-- name: channels
SELECT code, family, is_paid, display_name, is_active FROM attribution.channel_taxonomy ORDER BY family, code;

-- name: channel_aliases
SELECT match_kind, match_value, channel_code, tenant_id IS NOT NULL AS is_own
FROM attribution.channel_aliases
WHERE tenant_id IS NULL OR tenant_id = %s
ORDER BY match_kind, match_value, is_own;

-- name: fold_labels
SELECT sent, attribution.fold_label(sent) AS folded FROM unnest(%s::text[]) AS sent;

-- name: match_channel
SELECT code, match_kind, match_value, is_own FROM attribution.match_channel(%s, %s, %s);

-- name: explain_transaction
SELECT attribution.explain_transaction(%s, %s) AS story;
