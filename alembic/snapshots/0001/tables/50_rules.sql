-- Rules and what they computed.

CREATE TABLE attribution.attribution_rules (
    tenant_id uuid NOT NULL REFERENCES attribution.tenants (id) ON DELETE CASCADE,
    id uuid NOT NULL DEFAULT attribution.uuid_v7(),
    name text NOT NULL CHECK (name = btrim(name) AND octet_length(name) BETWEEN 1 AND 200),
    version int NOT NULL DEFAULT 1 CHECK (version >= 1),
    model_type text COLLATE "C" NOT NULL,
    config jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(config) = 'object'),
    applies_to jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(applies_to) = 'object'),
    priority int NOT NULL DEFAULT 100,
    is_book boolean NOT NULL DEFAULT false,
    constraint_mode text COLLATE "C" NOT NULL DEFAULT 'must_sum_to_100'
        CHECK (constraint_mode IN ('must_sum_to_100', 'cap_at_100', 'allow_double_counting')),
    status text COLLATE "C" NOT NULL DEFAULT 'draft' CHECK (status IN ('draft', 'active', 'retired')),
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    created_by name NOT NULL DEFAULT session_user,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, name, version),
    CONSTRAINT attribution_rules_book_exact CHECK (NOT is_book OR constraint_mode = 'must_sum_to_100')
);

CREATE UNIQUE INDEX attribution_rules_one_active ON attribution.attribution_rules (tenant_id, name) WHERE status = 'active';

COMMENT ON TABLE attribution.attribution_rules IS 'Named, versioned choices of model, window and constraint. A version is immutable: only its status moves.';
COMMENT ON COLUMN attribution.attribution_rules.tenant_id IS 'Tenant.';
COMMENT ON COLUMN attribution.attribution_rules.id IS 'Id of this version.';
COMMENT ON COLUMN attribution.attribution_rules.name IS 'Rule name; its versions share it.';
COMMENT ON COLUMN attribution.attribution_rules.version IS 'Version, from 1.';
COMMENT ON COLUMN attribution.attribution_rules.model_type IS 'Model: first_touch, last_touch, last_non_direct, linear, daily_linear, time_decay, position_based, w_shaped, full_path, j_shaped, inverse_j, role_based, weighted, custom.';
COMMENT ON COLUMN attribution.attribution_rules.config IS 'Options of the journey and of the model, with their defaults in rule_options(); validate_rule() knows them all.';
COMMENT ON COLUMN attribution.attribution_rules.applies_to IS 'Which conversions: event_types, campaigns, partners, currencies, min_value_cents, max_value_cents; {} means all.';
COMMENT ON COLUMN attribution.attribution_rules.priority IS 'Among book rules that apply, the lowest number is the book; then the oldest.';
COMMENT ON COLUMN attribution.attribution_rules.is_book IS 'May be the book: the rule whose allocations are posted. Others are shadow rules.';
COMMENT ON COLUMN attribution.attribution_rules.constraint_mode IS 'must_sum_to_100 (exact, the only mode of a book rule), cap_at_100, allow_double_counting.';
COMMENT ON COLUMN attribution.attribution_rules.status IS 'draft, active (one version per name), retired.';
COMMENT ON COLUMN attribution.attribution_rules.created_at IS 'When the version was made.';
COMMENT ON COLUMN attribution.attribution_rules.created_by IS 'Login that made it.';

CREATE TABLE attribution.allocation_overrides (
    tenant_id uuid NOT NULL REFERENCES attribution.tenants (id) ON DELETE CASCADE,
    id uuid NOT NULL DEFAULT attribution.uuid_v7(),
    transaction_id text COLLATE "C" NOT NULL,
    sequence int NOT NULL CHECK (sequence >= 1),
    shares jsonb CHECK (jsonb_typeof(shares) = 'array'),
    override_by text NOT NULL CHECK (octet_length(override_by) BETWEEN 1 AND 200),
    reason text NOT NULL CHECK (octet_length(reason) BETWEEN 1 AND 2000),
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    created_by name NOT NULL DEFAULT session_user,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, transaction_id, sequence)
);

COMMENT ON TABLE attribution.allocation_overrides IS 'Divisions of a sale by hand, append-only: the newest of a transaction counts, and one without shares lifts those before it.';
COMMENT ON COLUMN attribution.allocation_overrides.tenant_id IS 'Tenant.';
COMMENT ON COLUMN attribution.allocation_overrides.id IS 'Override id (UUIDv7).';
COMMENT ON COLUMN attribution.allocation_overrides.transaction_id IS 'The sale; the conversion''s id where the sender named none.';
COMMENT ON COLUMN attribution.allocation_overrides.sequence IS '1 for the first override of the transaction, 2 for the next.';
COMMENT ON COLUMN attribution.allocation_overrides.shares IS 'Array of {channel, percent, campaign_id, partner_id}, the percents summing to 100; null: the override is lifted.';
COMMENT ON COLUMN attribution.allocation_overrides.override_by IS 'Person who decided.';
COMMENT ON COLUMN attribution.allocation_overrides.reason IS 'Why.';
COMMENT ON COLUMN attribution.allocation_overrides.created_at IS 'When.';
COMMENT ON COLUMN attribution.allocation_overrides.created_by IS 'Login that recorded it.';

-- No foreign key to tenants here, in event_processing or in the ledger: the event or batch that each row must
-- name has one, and a second check per row would prove nothing more.
CREATE TABLE attribution.attribution_allocations (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL DEFAULT attribution.uuid_v7(),
    event_id uuid NOT NULL,
    rule_id uuid NOT NULL,
    model_version text COLLATE "C" NOT NULL,
    is_book boolean NOT NULL,
    override_id uuid,
    touch_id uuid,
    position int NOT NULL CHECK (position >= 0),
    channel_code text COLLATE "C" NOT NULL REFERENCES attribution.channel_taxonomy (code) ON DELETE RESTRICT,
    campaign_id text COLLATE "C",
    partner_id text COLLATE "C",
    allocation_ratio numeric(13, 12) NOT NULL CHECK (allocation_ratio >= 0),
    allocated_revenue_cents bigint NOT NULL CHECK (allocated_revenue_cents >= 0),
    currency text COLLATE "C" NOT NULL REFERENCES attribution.currencies (code) ON DELETE RESTRICT,
    occurred_at timestamptz NOT NULL,
    confidence_score double precision CHECK (confidence_score BETWEEN 0 AND 1),
    credible_interval_lower_cents bigint,
    credible_interval_upper_cents bigint,
    convergence_r_hat double precision,
    effective_sample_size double precision,
    reason text NOT NULL,
    model_metadata jsonb,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    superseded_at timestamptz,
    PRIMARY KEY (tenant_id, id),
    -- Null counts as a value: one current row per place in a journey, and any number of superseded ones.
    CONSTRAINT attribution_allocations_place UNIQUE NULLS NOT DISTINCT (tenant_id, event_id, rule_id, position, superseded_at),
    FOREIGN KEY (tenant_id, event_id) REFERENCES attribution.attribution_events (tenant_id, id) ON DELETE RESTRICT,
    FOREIGN KEY (tenant_id, touch_id) REFERENCES attribution.attribution_events (tenant_id, id) ON DELETE RESTRICT,
    FOREIGN KEY (tenant_id, rule_id) REFERENCES attribution.attribution_rules (tenant_id, id) ON DELETE RESTRICT,
    FOREIGN KEY (tenant_id, override_id) REFERENCES attribution.allocation_overrides (tenant_id, id) ON DELETE RESTRICT,
    CONSTRAINT attribution_allocations_unattributed CHECK ((touch_id IS NULL) = (position = 0 OR override_id IS NOT NULL)),
    CONSTRAINT attribution_allocations_override_is_book CHECK (override_id IS NULL OR is_book)
);

CREATE INDEX attribution_allocations_touch ON attribution.attribution_allocations (tenant_id, touch_id) WHERE touch_id IS NOT NULL;
CREATE INDEX attribution_allocations_report ON attribution.attribution_allocations (tenant_id, occurred_at, rule_id)
    INCLUDE (event_id, channel_code, campaign_id, currency, allocated_revenue_cents, allocation_ratio, is_book)
    WHERE superseded_at IS NULL;

COMMENT ON TABLE attribution.attribution_allocations IS 'One touch''s share of one conversion under one rule version. Append-only, but for superseded_at.';
COMMENT ON COLUMN attribution.attribution_allocations.tenant_id IS 'Tenant.';
COMMENT ON COLUMN attribution.attribution_allocations.id IS 'Allocation id (UUIDv7).';
COMMENT ON COLUMN attribution.attribution_allocations.event_id IS 'The conversion.';
COMMENT ON COLUMN attribution.attribution_allocations.rule_id IS 'The rule version.';
COMMENT ON COLUMN attribution.attribution_allocations.model_version IS 'Model and rule version in words, such as position_based/1; override/1 for the first division by hand.';
COMMENT ON COLUMN attribution.attribution_allocations.is_book IS 'True when this rule is the conversion''s book: the share is posted to the ledger.';
COMMENT ON COLUMN attribution.attribution_allocations.override_id IS 'The division by hand that stands in place of the book rule''s; null: the rule''s own.';
COMMENT ON COLUMN attribution.attribution_allocations.touch_id IS 'The touch; null when unattributed or divided by hand.';
COMMENT ON COLUMN attribution.attribution_allocations.position IS 'The touch''s place in the journey from 1; 0 for the unattributed part; the place in the list of an override.';
COMMENT ON COLUMN attribution.attribution_allocations.channel_code IS 'The touch''s channel, or unattributed.';
COMMENT ON COLUMN attribution.attribution_allocations.campaign_id IS 'The touch''s campaign.';
COMMENT ON COLUMN attribution.attribution_allocations.partner_id IS 'The touch''s partner.';
COMMENT ON COLUMN attribution.attribution_allocations.allocation_ratio IS 'Share of the conversion, 0 to 1, 12 decimals; the cents are divided before it is rounded.';
COMMENT ON COLUMN attribution.attribution_allocations.allocated_revenue_cents IS 'Share in minor units of currency; the shares of a conversion sum to its value.';
COMMENT ON COLUMN attribution.attribution_allocations.currency IS 'ISO 4217 code.';
COMMENT ON COLUMN attribution.attribution_allocations.occurred_at IS 'When the conversion happened; repeated here so that reports need one index.';
COMMENT ON COLUMN attribution.attribution_allocations.confidence_score IS 'Statistical models: 0 to 1. Null for the rule-based ones.';
COMMENT ON COLUMN attribution.attribution_allocations.credible_interval_lower_cents IS 'Statistical models: lower bound, minor units.';
COMMENT ON COLUMN attribution.attribution_allocations.credible_interval_upper_cents IS 'Statistical models: upper bound, minor units.';
COMMENT ON COLUMN attribution.attribution_allocations.convergence_r_hat IS 'Statistical models: R-hat.';
COMMENT ON COLUMN attribution.attribution_allocations.effective_sample_size IS 'Statistical models: effective sample size.';
COMMENT ON COLUMN attribution.attribution_allocations.reason IS 'Why this touch got this share, for people.';
COMMENT ON COLUMN attribution.attribution_allocations.model_metadata IS 'What a model wants kept beside the share.';
COMMENT ON COLUMN attribution.attribution_allocations.created_at IS 'When it was computed.';
COMMENT ON COLUMN attribution.attribution_allocations.superseded_at IS 'When newer facts or rules replaced it; null: current.';

ALTER TABLE attribution.attribution_rules OWNER TO attribution_owner;
ALTER TABLE attribution.allocation_overrides OWNER TO attribution_owner;
ALTER TABLE attribution.attribution_allocations OWNER TO attribution_owner;
GRANT SELECT, INSERT, DELETE ON attribution.attribution_rules, attribution.allocation_overrides,
    attribution.attribution_allocations TO attribution_engine;
GRANT UPDATE (status) ON attribution.attribution_rules TO attribution_engine;
GRANT UPDATE (superseded_at) ON attribution.attribution_allocations TO attribution_engine;
GRANT SELECT ON attribution.attribution_rules, attribution.allocation_overrides, attribution.attribution_allocations
    TO attribution_app, attribution_reader, attribution_admin;
GRANT INSERT (tenant_id, name, version, model_type, config, applies_to, priority, is_book, constraint_mode, status),
    UPDATE (status) ON attribution.attribution_rules TO attribution_admin;
