-- expected_triggers(): the triggers that the guarantees rest on.
--
-- Returns  table and trigger names, and the definition as pg_get_triggerdef() prints it; all of them are ENABLE ALWAYS.
--          A test compares the list with what sql/triggers/ makes.

CREATE OR REPLACE FUNCTION attribution.expected_triggers()
RETURNS TABLE (table_name text, trigger_name text, definition text)
LANGUAGE sql
IMMUTABLE
AS $$
    VALUES
    ('allocation_overrides', 'allocation_overrides_append_only',
        'CREATE TRIGGER allocation_overrides_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON attribution.allocation_overrides FOR EACH STATEMENT EXECUTE FUNCTION attribution.forbid_mutation()'),
    ('allocation_overrides', 'allocation_overrides_erased_only',
        'CREATE TRIGGER allocation_overrides_erased_only BEFORE DELETE ON attribution.allocation_overrides FOR EACH ROW EXECUTE FUNCTION attribution.forbid_delete()'),
    ('attribution_allocations', 'attribution_allocations_append_only',
        'CREATE TRIGGER attribution_allocations_append_only BEFORE DELETE OR UPDATE OF tenant_id, id, event_id, rule_id, model_version, is_book, override_id, touch_id, "position", channel_code, campaign_id, partner_id, allocation_ratio, allocated_revenue_cents, currency, occurred_at, confidence_score, credible_interval_lower_cents, credible_interval_upper_cents, convergence_r_hat, effective_sample_size, reason, model_metadata, created_at OR TRUNCATE ON attribution.attribution_allocations FOR EACH STATEMENT EXECUTE FUNCTION attribution.forbid_mutation()'),
    ('attribution_allocations', 'attribution_allocations_erased_only',
        'CREATE TRIGGER attribution_allocations_erased_only BEFORE DELETE ON attribution.attribution_allocations FOR EACH ROW EXECUTE FUNCTION attribution.forbid_delete()'),
    ('attribution_allocations', 'attribution_allocations_superseded_once',
        'CREATE TRIGGER attribution_allocations_superseded_once BEFORE UPDATE ON attribution.attribution_allocations FOR EACH ROW WHEN (((old.superseded_at IS NOT NULL) OR (new.superseded_at IS NULL))) EXECUTE FUNCTION attribution.forbid_mutation()'),
    ('attribution_events', 'attribution_events_accept',
        'CREATE TRIGGER attribution_events_accept BEFORE INSERT ON attribution.attribution_events FOR EACH ROW EXECUTE FUNCTION attribution.accept_event()'),
    ('attribution_events', 'attribution_events_append_only',
        'CREATE TRIGGER attribution_events_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON attribution.attribution_events FOR EACH STATEMENT EXECUTE FUNCTION attribution.forbid_mutation()'),
    ('attribution_events', 'attribution_events_erased_only',
        'CREATE TRIGGER attribution_events_erased_only BEFORE DELETE ON attribution.attribution_events FOR EACH ROW EXECUTE FUNCTION attribution.forbid_delete()'),
    ('attribution_events', 'attribution_events_process',
        'CREATE TRIGGER attribution_events_process AFTER INSERT ON attribution.attribution_events REFERENCING NEW TABLE AS new_events FOR EACH STATEMENT EXECUTE FUNCTION attribution.process_new_events()'),
    ('attribution_events', 'attribution_events_require_tenant',
        'CREATE TRIGGER attribution_events_require_tenant BEFORE INSERT ON attribution.attribution_events FOR EACH STATEMENT EXECUTE FUNCTION attribution.require_tenant()'),
    ('attribution_rules', 'attribution_rules_erased_only',
        'CREATE TRIGGER attribution_rules_erased_only BEFORE DELETE ON attribution.attribution_rules FOR EACH ROW EXECUTE FUNCTION attribution.forbid_delete()'),
    ('attribution_rules', 'attribution_rules_immutable',
        'CREATE TRIGGER attribution_rules_immutable BEFORE INSERT OR UPDATE ON attribution.attribution_rules FOR EACH ROW EXECUTE FUNCTION attribution.guard_rule()'),
    ('attribution_rules', 'attribution_rules_kept',
        'CREATE TRIGGER attribution_rules_kept BEFORE DELETE OR TRUNCATE ON attribution.attribution_rules FOR EACH STATEMENT EXECUTE FUNCTION attribution.forbid_mutation()'),
    ('dead_events', 'dead_events_erased_only',
        'CREATE TRIGGER dead_events_erased_only BEFORE DELETE ON attribution.dead_events FOR EACH ROW EXECUTE FUNCTION attribution.forbid_delete()'),
    ('dead_events', 'dead_events_kept',
        'CREATE TRIGGER dead_events_kept BEFORE DELETE OR TRUNCATE ON attribution.dead_events FOR EACH STATEMENT EXECUTE FUNCTION attribution.forbid_mutation()'),
    ('event_processing', 'event_processing_erased_only',
        'CREATE TRIGGER event_processing_erased_only BEFORE DELETE ON attribution.event_processing FOR EACH ROW EXECUTE FUNCTION attribution.forbid_delete()'),
    ('event_processing', 'event_processing_kept',
        'CREATE TRIGGER event_processing_kept BEFORE DELETE OR TRUNCATE ON attribution.event_processing FOR EACH STATEMENT EXECUTE FUNCTION attribution.forbid_mutation()'),
    ('ledger_batches', 'ledger_batches_append_only',
        'CREATE TRIGGER ledger_batches_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON attribution.ledger_batches FOR EACH STATEMENT EXECUTE FUNCTION attribution.forbid_mutation()'),
    ('ledger_batches', 'ledger_batches_erased_only',
        'CREATE TRIGGER ledger_batches_erased_only BEFORE DELETE ON attribution.ledger_batches FOR EACH ROW EXECUTE FUNCTION attribution.forbid_delete()'),
    ('ledger_seals', 'ledger_seals_append_only',
        'CREATE TRIGGER ledger_seals_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON attribution.ledger_seals FOR EACH STATEMENT EXECUTE FUNCTION attribution.forbid_mutation()'),
    ('ledger_seals', 'ledger_seals_erased_only',
        'CREATE TRIGGER ledger_seals_erased_only BEFORE DELETE ON attribution.ledger_seals FOR EACH ROW EXECUTE FUNCTION attribution.forbid_delete()'),
    ('migration_waivers', 'migration_waivers_append_only',
        'CREATE TRIGGER migration_waivers_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON attribution.migration_waivers FOR EACH STATEMENT EXECUTE FUNCTION attribution.forbid_mutation()'),
    ('migration_waivers', 'migration_waivers_erased_only',
        'CREATE TRIGGER migration_waivers_erased_only BEFORE DELETE ON attribution.migration_waivers FOR EACH ROW EXECUTE FUNCTION attribution.forbid_delete()'),
    ('reconciliation_runs', 'reconciliation_runs_erased_only',
        'CREATE TRIGGER reconciliation_runs_erased_only BEFORE DELETE ON attribution.reconciliation_runs FOR EACH ROW EXECUTE FUNCTION attribution.forbid_delete()'),
    ('reconciliation_runs', 'reconciliation_runs_kept',
        'CREATE TRIGGER reconciliation_runs_kept BEFORE DELETE OR TRUNCATE ON attribution.reconciliation_runs FOR EACH STATEMENT EXECUTE FUNCTION attribution.forbid_mutation()'),
    ('reported_revenue', 'reported_revenue_append_only',
        'CREATE TRIGGER reported_revenue_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON attribution.reported_revenue FOR EACH STATEMENT EXECUTE FUNCTION attribution.forbid_mutation()'),
    ('reported_revenue', 'reported_revenue_erased_only',
        'CREATE TRIGGER reported_revenue_erased_only BEFORE DELETE ON attribution.reported_revenue FOR EACH ROW EXECUTE FUNCTION attribution.forbid_delete()'),
    ('revenue_ledger', 'revenue_ledger_append_only',
        'CREATE TRIGGER revenue_ledger_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON attribution.revenue_ledger FOR EACH STATEMENT EXECUTE FUNCTION attribution.forbid_mutation()'),
    ('revenue_ledger', 'revenue_ledger_erased_only',
        'CREATE TRIGGER revenue_ledger_erased_only BEFORE DELETE ON attribution.revenue_ledger FOR EACH ROW EXECUTE FUNCTION attribution.forbid_delete()'),
    ('revenue_state_transitions', 'revenue_state_transitions_append_only',
        'CREATE TRIGGER revenue_state_transitions_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON attribution.revenue_state_transitions FOR EACH STATEMENT EXECUTE FUNCTION attribution.forbid_mutation()'),
    ('revenue_state_transitions', 'revenue_state_transitions_erased_only',
        'CREATE TRIGGER revenue_state_transitions_erased_only BEFORE DELETE ON attribution.revenue_state_transitions FOR EACH ROW EXECUTE FUNCTION attribution.forbid_delete()'),
    ('revenue_state_transitions', 'revenue_state_transitions_legal',
        'CREATE TRIGGER revenue_state_transitions_legal BEFORE INSERT ON attribution.revenue_state_transitions FOR EACH ROW EXECUTE FUNCTION attribution.guard_state_move()'),
    ('revenue_verifications', 'revenue_verifications_append_only',
        'CREATE TRIGGER revenue_verifications_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON attribution.revenue_verifications FOR EACH STATEMENT EXECUTE FUNCTION attribution.forbid_mutation()'),
    ('revenue_verifications', 'revenue_verifications_erased_only',
        'CREATE TRIGGER revenue_verifications_erased_only BEFORE DELETE ON attribution.revenue_verifications FOR EACH ROW EXECUTE FUNCTION attribution.forbid_delete()'),
    ('tenant_erasures', 'tenant_erasures_append_only',
        'CREATE TRIGGER tenant_erasures_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON attribution.tenant_erasures FOR EACH STATEMENT EXECUTE FUNCTION attribution.forbid_mutation()'),
    ('tenant_erasures', 'tenant_erasures_confirmed',
        'CREATE CONSTRAINT TRIGGER tenant_erasures_confirmed AFTER INSERT ON attribution.tenant_erasures DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION attribution.confirm_erasure()'),
    ('tenant_erasures', 'tenant_erasures_erased_only',
        'CREATE TRIGGER tenant_erasures_erased_only BEFORE DELETE ON attribution.tenant_erasures FOR EACH ROW EXECUTE FUNCTION attribution.forbid_delete()'),
    ('tenants', 'tenants_erased_only',
        'CREATE TRIGGER tenants_erased_only BEFORE DELETE ON attribution.tenants FOR EACH ROW EXECUTE FUNCTION attribution.forbid_delete()'),
    ('tenants', 'tenants_kept',
        'CREATE TRIGGER tenants_kept BEFORE DELETE OR TRUNCATE ON attribution.tenants FOR EACH STATEMENT EXECUTE FUNCTION attribution.forbid_mutation()'),
    ('tenants', 'tenants_updated_at',
        'CREATE TRIGGER tenants_updated_at BEFORE UPDATE ON attribution.tenants FOR EACH ROW EXECUTE FUNCTION attribution.set_updated_at()')
$$;

ALTER FUNCTION attribution.expected_triggers() OWNER TO attribution_owner;

COMMENT ON FUNCTION attribution.expected_triggers() IS
'The triggers that the guarantees rest on: table, trigger, definition. verify() reports what is missing, disabled, replaced or extra.';

REVOKE ALL ON FUNCTION attribution.expected_triggers() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.expected_triggers() TO attribution_engine, attribution_admin;
