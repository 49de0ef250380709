-- expected_triggers(): the triggers that the guarantees rest on.
--
-- Returns  table, trigger and function names; all of them are ENABLE ALWAYS. A test compares the list with sql/triggers/.

CREATE OR REPLACE FUNCTION attribution.expected_triggers()
RETURNS TABLE (table_name text, trigger_name text, function_name text)
LANGUAGE sql
IMMUTABLE
AS $$
    VALUES
    ('attribution_allocations', 'attribution_allocations_append_only', 'forbid_mutation'),
    ('attribution_allocations', 'attribution_allocations_erased_only', 'forbid_delete'),
    ('attribution_allocations', 'attribution_allocations_superseded_once', 'forbid_mutation'),
    ('attribution_events', 'attribution_events_accept', 'accept_event'),
    ('attribution_events', 'attribution_events_append_only', 'forbid_mutation'),
    ('attribution_events', 'attribution_events_erased_only', 'forbid_delete'),
    ('attribution_events', 'attribution_events_process', 'process_new_events'),
    ('attribution_events', 'attribution_events_require_tenant', 'require_tenant'),
    ('attribution_rules', 'attribution_rules_erased_only', 'forbid_delete'),
    ('attribution_rules', 'attribution_rules_immutable', 'guard_rule'),
    ('attribution_rules', 'attribution_rules_kept', 'forbid_mutation'),
    ('dead_events', 'dead_events_erased_only', 'forbid_delete'),
    ('dead_events', 'dead_events_kept', 'forbid_mutation'),
    ('event_processing', 'event_processing_erased_only', 'forbid_delete'),
    ('event_processing', 'event_processing_kept', 'forbid_mutation'),
    ('ledger_batches', 'ledger_batches_append_only', 'forbid_mutation'),
    ('ledger_batches', 'ledger_batches_erased_only', 'forbid_delete'),
    ('revenue_ledger', 'revenue_ledger_append_only', 'forbid_mutation'),
    ('revenue_ledger', 'revenue_ledger_erased_only', 'forbid_delete'),
    ('tenant_erasures', 'tenant_erasures_append_only', 'forbid_mutation'),
    ('tenant_erasures', 'tenant_erasures_confirmed', 'confirm_erasure'),
    ('tenant_erasures', 'tenant_erasures_erased_only', 'forbid_delete'),
    ('tenants', 'tenants_erased_only', 'forbid_delete'),
    ('tenants', 'tenants_kept', 'forbid_mutation'),
    ('tenants', 'tenants_updated_at', 'set_updated_at')
$$;

ALTER FUNCTION attribution.expected_triggers() OWNER TO attribution_owner;

COMMENT ON FUNCTION attribution.expected_triggers() IS
'The triggers that the guarantees rest on: table, trigger, function. verify() reports what is missing, disabled or extra.';

REVOKE ALL ON FUNCTION attribution.expected_triggers() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.expected_triggers() TO attribution_engine, attribution_admin;
