-- Summaries: what views would otherwise add up from all of history at each read, and what has changed since.
--
-- Who writes allocations or ledger lines only notes their ids, in a row of its own: two writers never meet. The folder, one
-- per tenant at a time, takes the notes into the summaries; views add what it has not taken yet. Both happen in
-- transactions, so that every snapshot has each change once: noted, or folded. All of this is derived and can be made anew
-- (rebuild_summaries()); verify() compares it with the facts. No foreign keys, since no caller writes here.

CREATE TABLE attribution.unfolded_changes (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL DEFAULT attribution.uuid_v7(),
    allocation_ids uuid[] NOT NULL DEFAULT '{}',
    superseded_ids uuid[] NOT NULL DEFAULT '{}',
    batch_ids uuid[] NOT NULL DEFAULT '{}',
    event_ids uuid[] NOT NULL DEFAULT '{}',
    PRIMARY KEY (tenant_id, id),
    -- Journeys are folded apart.
    CONSTRAINT unfolded_changes_apart CHECK (event_ids = '{}' OR (allocation_ids = '{}' AND superseded_ids = '{}' AND batch_ids = '{}'))
);

-- Ids do not compress: no time is to be lost on trying.
ALTER TABLE attribution.unfolded_changes
    ALTER COLUMN allocation_ids SET STORAGE EXTERNAL, ALTER COLUMN superseded_ids SET STORAGE EXTERNAL,
    ALTER COLUMN batch_ids SET STORAGE EXTERNAL, ALTER COLUMN event_ids SET STORAGE EXTERNAL;

COMMENT ON TABLE attribution.unfolded_changes IS 'What was written since it was last folded into the summaries. Writers append, fold_summaries() deletes.';
COMMENT ON COLUMN attribution.unfolded_changes.tenant_id IS 'Tenant.';
COMMENT ON COLUMN attribution.unfolded_changes.id IS 'Row id (UUIDv7).';
COMMENT ON COLUMN attribution.unfolded_changes.allocation_ids IS 'Allocations that were inserted.';
COMMENT ON COLUMN attribution.unfolded_changes.superseded_ids IS 'Allocations that were marked superseded.';
COMMENT ON COLUMN attribution.unfolded_changes.batch_ids IS 'Ledger batches that were posted.';
COMMENT ON COLUMN attribution.unfolded_changes.event_ids IS 'Events that left the queue: the journeys of their sessions may have changed.';

CREATE TABLE attribution.summary_states (
    tenant_id uuid PRIMARY KEY REFERENCES attribution.tenants (id) ON DELETE CASCADE,
    time_zone text NOT NULL,
    book_rule_ids uuid[],
    folded_at timestamptz NOT NULL
);

COMMENT ON TABLE attribution.summary_states IS 'Under what the summaries of a tenant were made. Where that has changed, or there is no row, views read the facts instead.';
COMMENT ON COLUMN attribution.summary_states.tenant_id IS 'Tenant.';
COMMENT ON COLUMN attribution.summary_states.time_zone IS 'Zone in which channel_days and ledger_days have their days.';
COMMENT ON COLUMN attribution.summary_states.book_rule_ids IS 'Active book rules, in id order, whose journeys are in conversion_paths; null: none are.';
COMMENT ON COLUMN attribution.summary_states.folded_at IS 'When changes were last folded.';

CREATE TABLE attribution.channel_days (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL DEFAULT attribution.uuid_v7(),
    day date NOT NULL,
    rule_id uuid NOT NULL,
    is_book boolean NOT NULL,
    currency text COLLATE "C" NOT NULL,
    channel_code text COLLATE "C" NOT NULL,
    campaign_id text COLLATE "C",
    allocations bigint NOT NULL,
    conversions numeric NOT NULL,
    revenue_cents numeric NOT NULL,
    PRIMARY KEY (tenant_id, id),
    UNIQUE NULLS NOT DISTINCT (tenant_id, day, rule_id, is_book, currency, channel_code, campaign_id)
) WITH (fillfactor = 80);

COMMENT ON TABLE attribution.channel_days IS 'Folded sums of the current allocations: what channel_performance and model_comparison read. A row of 0 allocations counts as none.';
COMMENT ON COLUMN attribution.channel_days.tenant_id IS 'Tenant.';
COMMENT ON COLUMN attribution.channel_days.id IS 'Row id (UUIDv7).';
COMMENT ON COLUMN attribution.channel_days.day IS 'Day of the conversion in summary_states.time_zone.';
COMMENT ON COLUMN attribution.channel_days.rule_id IS 'Rule version.';
COMMENT ON COLUMN attribution.channel_days.is_book IS 'True: posted to the ledger.';
COMMENT ON COLUMN attribution.channel_days.currency IS 'ISO 4217 code.';
COMMENT ON COLUMN attribution.channel_days.channel_code IS 'Channel.';
COMMENT ON COLUMN attribution.channel_days.campaign_id IS 'Campaign; null where the touch named none.';
COMMENT ON COLUMN attribution.channel_days.allocations IS 'Number of current allocations.';
COMMENT ON COLUMN attribution.channel_days.conversions IS 'Sum of their shares.';
COMMENT ON COLUMN attribution.channel_days.revenue_cents IS 'Sum of their revenue, minor units.';

CREATE TABLE attribution.ledger_days (
    tenant_id uuid NOT NULL,
    day date NOT NULL,
    currency text COLLATE "C" NOT NULL,
    transactions bigint NOT NULL,
    conversions bigint NOT NULL,
    gross_cents numeric NOT NULL,
    refunded_cents numeric NOT NULL,
    PRIMARY KEY (tenant_id, day, currency)
) WITH (fillfactor = 80);

COMMENT ON TABLE attribution.ledger_days IS 'Folded sums of the ledger by day: what daily_revenue_summary reads.';
COMMENT ON COLUMN attribution.ledger_days.tenant_id IS 'Tenant.';
COMMENT ON COLUMN attribution.ledger_days.day IS 'Day of the sale or refund in summary_states.time_zone.';
COMMENT ON COLUMN attribution.ledger_days.currency IS 'ISO 4217 code.';
COMMENT ON COLUMN attribution.ledger_days.transactions IS 'Transactions with a line on that day.';
COMMENT ON COLUMN attribution.ledger_days.conversions IS 'Conversions credited.';
COMMENT ON COLUMN attribution.ledger_days.gross_cents IS 'Revenue before refunds, minor units.';
COMMENT ON COLUMN attribution.ledger_days.refunded_cents IS 'Refunds and chargebacks as a positive number, minor units.';

CREATE TABLE attribution.partner_totals (
    tenant_id uuid NOT NULL,
    partner_id text COLLATE "C" NOT NULL,
    currency text COLLATE "C" NOT NULL,
    sales bigint NOT NULL,
    conversions numeric NOT NULL,
    gross_cents numeric NOT NULL,
    refunded_cents numeric NOT NULL,
    net_usd_cents numeric NOT NULL,
    PRIMARY KEY (tenant_id, partner_id, currency)
) WITH (fillfactor = 80);

COMMENT ON TABLE attribution.partner_totals IS 'Folded sums by partner: what partner_leaderboard reads. A row of 0 sales counts as none.';
COMMENT ON COLUMN attribution.partner_totals.tenant_id IS 'Tenant.';
COMMENT ON COLUMN attribution.partner_totals.partner_id IS 'Partner.';
COMMENT ON COLUMN attribution.partner_totals.currency IS 'ISO 4217 code.';
COMMENT ON COLUMN attribution.partner_totals.sales IS 'Conversions of which the partner has a share in the book.';
COMMENT ON COLUMN attribution.partner_totals.conversions IS 'Sum of these shares.';
COMMENT ON COLUMN attribution.partner_totals.gross_cents IS 'Revenue before refunds, minor units.';
COMMENT ON COLUMN attribution.partner_totals.refunded_cents IS 'Refunds and chargebacks as a positive number, minor units.';
COMMENT ON COLUMN attribution.partner_totals.net_usd_cents IS 'Revenue after refunds in US cents, as far as rates were known.';

CREATE TABLE attribution.conversion_paths (
    tenant_id uuid NOT NULL,
    event_id uuid NOT NULL,
    path text COLLATE "C" NOT NULL,
    currency text COLLATE "C" NOT NULL,
    value_cents bigint NOT NULL,
    touches int NOT NULL,
    days double precision,
    PRIMARY KEY (tenant_id, event_id)
);

COMMENT ON TABLE attribution.conversion_paths IS 'The folded journey of each conversion under its book rule: what journey_paths reads.';
COMMENT ON COLUMN attribution.conversion_paths.tenant_id IS 'Tenant.';
COMMENT ON COLUMN attribution.conversion_paths.event_id IS 'Conversion.';
COMMENT ON COLUMN attribution.conversion_paths.path IS 'Channels in order, such as email > direct; unattributed where no touch counts.';
COMMENT ON COLUMN attribution.conversion_paths.currency IS 'ISO 4217 code.';
COMMENT ON COLUMN attribution.conversion_paths.value_cents IS 'Value of the conversion, minor units.';
COMMENT ON COLUMN attribution.conversion_paths.touches IS 'Number of touches.';
COMMENT ON COLUMN attribution.conversion_paths.days IS 'Days from the first touch to the conversion; null without touches.';

ALTER TABLE attribution.unfolded_changes OWNER TO attribution_owner;
ALTER TABLE attribution.summary_states OWNER TO attribution_owner;
ALTER TABLE attribution.channel_days OWNER TO attribution_owner;
ALTER TABLE attribution.ledger_days OWNER TO attribution_owner;
ALTER TABLE attribution.partner_totals OWNER TO attribution_owner;
ALTER TABLE attribution.conversion_paths OWNER TO attribution_owner;
GRANT SELECT, INSERT, DELETE ON attribution.unfolded_changes TO attribution_engine;
GRANT SELECT, INSERT, UPDATE, DELETE ON attribution.summary_states, attribution.channel_days, attribution.ledger_days,
    attribution.partner_totals, attribution.conversion_paths TO attribution_engine;
GRANT SELECT ON attribution.unfolded_changes, attribution.summary_states, attribution.channel_days, attribution.ledger_days,
    attribution.partner_totals, attribution.conversion_paths TO attribution_app, attribution_reader, attribution_admin;
