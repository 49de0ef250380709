-- Undo of the table files, in reverse. Roles stay: other databases of the cluster may use them.

DROP TYPE attribution.parsed_event;
DROP TABLE attribution.conversion_paths, attribution.partner_totals, attribution.ledger_days, attribution.channel_days,
    attribution.summary_states, attribution.unfolded_changes, attribution.migration_waivers, attribution.revenue_verifications, attribution.reported_revenue,
    attribution.reconciliation_runs, attribution.ledger_seals, attribution.revenue_state_transitions,
    attribution.revenue_ledger, attribution.ledger_batches, attribution.attribution_allocations,
    attribution.allocation_overrides, attribution.attribution_rules, attribution.import_sources, attribution.work_queue,
    attribution.dead_events, attribution.event_processing, attribution.event_keys, attribution.attribution_events,
    attribution.channel_aliases, attribution.tenant_erasures, attribution.tenant_logins, attribution.tenants,
    attribution.event_types, attribution.channel_taxonomy, attribution.revenue_state_moves, attribution.fx_rates,
    attribution.currencies;
