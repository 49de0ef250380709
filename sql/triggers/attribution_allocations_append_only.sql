-- Guard: no statement changes or removes allocations (RA001), but to mark them superseded, and for the erasure of a tenant.

CREATE OR REPLACE TRIGGER attribution_allocations_append_only
BEFORE UPDATE OF tenant_id, id, event_id, rule_id, model_version, is_book, override_id, touch_id, "position", channel_code, campaign_id,
    partner_id, allocation_ratio, allocated_revenue_cents, currency, occurred_at, confidence_score,
    credible_interval_lower_cents, credible_interval_upper_cents, convergence_r_hat, effective_sample_size, reason,
    model_metadata, created_at
OR DELETE OR TRUNCATE ON attribution.attribution_allocations
FOR EACH STATEMENT
EXECUTE FUNCTION attribution.forbid_mutation();

ALTER TABLE attribution.attribution_allocations ENABLE ALWAYS TRIGGER attribution_allocations_append_only;

COMMENT ON TRIGGER attribution_allocations_append_only ON attribution.attribution_allocations IS 'Guard: no statement changes or removes allocations (RA001), but to mark them superseded, and for the erasure of a tenant.';
