-- The revenue ledger: batches (journal entries) and their lines. Append-only; a correction is a new line.

CREATE TABLE attribution.ledger_batches (
    tenant_id uuid NOT NULL REFERENCES attribution.tenants (id) ON DELETE CASCADE,
    id uuid NOT NULL DEFAULT attribution.uuid_v7(),
    kind text COLLATE "C" NOT NULL CHECK (kind IN ('attribution', 'restatement', 'refund', 'override', 'adjustment')),
    cause_event_id uuid,
    rule_id uuid,
    posted_at timestamptz NOT NULL,
    posted_by name NOT NULL DEFAULT session_user,
    reason text NOT NULL,
    entry_count int NOT NULL CHECK (entry_count > 0),
    entries_hash bytea NOT NULL CHECK (octet_length(entries_hash) = 32),
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, cause_event_id) REFERENCES attribution.attribution_events (tenant_id, id) ON DELETE RESTRICT,
    FOREIGN KEY (tenant_id, rule_id) REFERENCES attribution.attribution_rules (tenant_id, id) ON DELETE RESTRICT
);

CREATE INDEX ledger_batches_cause ON attribution.ledger_batches (tenant_id, cause_event_id) WHERE cause_event_id IS NOT NULL;

COMMENT ON TABLE attribution.ledger_batches IS 'One posting operation: a journal entry whose lines are in revenue_ledger.';
COMMENT ON COLUMN attribution.ledger_batches.tenant_id IS 'Tenant.';
COMMENT ON COLUMN attribution.ledger_batches.id IS 'Batch id (UUIDv7).';
COMMENT ON COLUMN attribution.ledger_batches.kind IS 'attribution (first posting), restatement (reversal and re-posting), refund, override, adjustment.';
COMMENT ON COLUMN attribution.ledger_batches.cause_event_id IS 'The conversion, when the batch is about one; null for a batch over many.';
COMMENT ON COLUMN attribution.ledger_batches.rule_id IS 'The book rule, when the batch posts under one; null otherwise.';
COMMENT ON COLUMN attribution.ledger_batches.posted_at IS 'When it was posted.';
COMMENT ON COLUMN attribution.ledger_batches.posted_by IS 'Login that posted.';
COMMENT ON COLUMN attribution.ledger_batches.reason IS 'Why, for people.';
COMMENT ON COLUMN attribution.ledger_batches.entry_count IS 'Number of lines.';
COMMENT ON COLUMN attribution.ledger_batches.entries_hash IS 'SHA-256 over the canonical form of the lines in id order; see ledger_line_canonical().';

CREATE TABLE attribution.revenue_ledger (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL DEFAULT attribution.uuid_v7(),
    batch_id uuid NOT NULL,
    transaction_id text COLLATE "C" NOT NULL,
    event_id uuid NOT NULL,
    allocation_id uuid NOT NULL,
    entry_type text COLLATE "C" NOT NULL
        CHECK (entry_type IN ('attribution', 'reversal', 'refund', 'chargeback', 'override', 'adjustment')),
    state text COLLATE "C" NOT NULL
        CHECK (state IN ('captured', 'partially_refunded', 'refunded', 'disputed', 'charged_back')),
    previous_state text COLLATE "C"
        CHECK (previous_state IN ('captured', 'partially_refunded', 'refunded', 'disputed', 'charged_back')),
    channel_code text COLLATE "C" NOT NULL REFERENCES attribution.channel_taxonomy (code) ON DELETE RESTRICT,
    campaign_id text COLLATE "C",
    partner_id text COLLATE "C",
    amount_cents bigint NOT NULL CHECK (amount_cents <> 0),
    currency text COLLATE "C" NOT NULL REFERENCES attribution.currencies (code) ON DELETE RESTRICT,
    amount_usd_cents bigint,
    fx_rate_used numeric,
    fx_conversion_timestamp timestamptz,
    reverses_id uuid,
    override_by name,
    audit_trail jsonb,
    occurred_at timestamptz NOT NULL,
    posted_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, id),
    -- No allocation is posted twice and no line reversed twice, whoever posts.
    CONSTRAINT revenue_ledger_once UNIQUE NULLS NOT DISTINCT (tenant_id, allocation_id, event_id, entry_type, reverses_id),
    CONSTRAINT revenue_ledger_reversed_once UNIQUE (tenant_id, reverses_id),
    CONSTRAINT revenue_ledger_reversal CHECK ((entry_type = 'reversal') = (reverses_id IS NOT NULL)),
    FOREIGN KEY (tenant_id, batch_id) REFERENCES attribution.ledger_batches (tenant_id, id) ON DELETE RESTRICT,
    FOREIGN KEY (tenant_id, event_id) REFERENCES attribution.attribution_events (tenant_id, id) ON DELETE RESTRICT,
    FOREIGN KEY (tenant_id, allocation_id) REFERENCES attribution.attribution_allocations (tenant_id, id) ON DELETE RESTRICT,
    FOREIGN KEY (tenant_id, reverses_id) REFERENCES attribution.revenue_ledger (tenant_id, id) ON DELETE RESTRICT
);

CREATE INDEX revenue_ledger_batch ON attribution.revenue_ledger (tenant_id, batch_id);
CREATE INDEX revenue_ledger_event ON attribution.revenue_ledger (tenant_id, event_id);
CREATE INDEX revenue_ledger_transaction ON attribution.revenue_ledger (tenant_id, transaction_id, currency)
    INCLUDE (amount_cents, entry_type);
CREATE INDEX revenue_ledger_report ON attribution.revenue_ledger (tenant_id, occurred_at)
    INCLUDE (event_id, channel_code, campaign_id, currency, amount_cents, entry_type, transaction_id);

COMMENT ON TABLE attribution.revenue_ledger IS 'Append-only revenue lines: for every transaction and currency they sum to captured minus refunded revenue, to the minor unit.';
COMMENT ON COLUMN attribution.revenue_ledger.tenant_id IS 'Tenant.';
COMMENT ON COLUMN attribution.revenue_ledger.id IS 'Line id (UUIDv7).';
COMMENT ON COLUMN attribution.revenue_ledger.batch_id IS 'The journal entry it belongs to.';
COMMENT ON COLUMN attribution.revenue_ledger.transaction_id IS 'The sale; the conversion''s id where the sender named none.';
COMMENT ON COLUMN attribution.revenue_ledger.event_id IS 'The event that the line books: the conversion, or the refund.';
COMMENT ON COLUMN attribution.revenue_ledger.allocation_id IS 'The allocation it posts or takes back; leads to rule and touch.';
COMMENT ON COLUMN attribution.revenue_ledger.entry_type IS 'attribution, reversal, refund, chargeback, override, adjustment.';
COMMENT ON COLUMN attribution.revenue_ledger.state IS 'State of the transaction after this line.';
COMMENT ON COLUMN attribution.revenue_ledger.previous_state IS 'State before; null for the first posting.';
COMMENT ON COLUMN attribution.revenue_ledger.channel_code IS 'Channel credited.';
COMMENT ON COLUMN attribution.revenue_ledger.campaign_id IS 'Campaign credited.';
COMMENT ON COLUMN attribution.revenue_ledger.partner_id IS 'Partner credited.';
COMMENT ON COLUMN attribution.revenue_ledger.amount_cents IS 'Signed minor units of currency; never 0.';
COMMENT ON COLUMN attribution.revenue_ledger.currency IS 'ISO 4217 code.';
COMMENT ON COLUMN attribution.revenue_ledger.amount_usd_cents IS 'In US cents; null while no rate is known.';
COMMENT ON COLUMN attribution.revenue_ledger.fx_rate_used IS 'US dollars per unit of currency; null while none is known.';
COMMENT ON COLUMN attribution.revenue_ledger.fx_conversion_timestamp IS 'The time whose rate was used.';
COMMENT ON COLUMN attribution.revenue_ledger.reverses_id IS 'The line that this reversal takes back.';
COMMENT ON COLUMN attribution.revenue_ledger.override_by IS 'Who re-divided by hand.';
COMMENT ON COLUMN attribution.revenue_ledger.audit_trail IS 'What an override or adjustment wants kept.';
COMMENT ON COLUMN attribution.revenue_ledger.occurred_at IS 'When event_id happened: the day the money belongs to.';
COMMENT ON COLUMN attribution.revenue_ledger.posted_at IS 'When the line was posted.';

ALTER TABLE attribution.ledger_batches OWNER TO attribution_owner;
ALTER TABLE attribution.revenue_ledger OWNER TO attribution_owner;
GRANT SELECT, INSERT, DELETE ON attribution.ledger_batches, attribution.revenue_ledger TO attribution_engine;
GRANT SELECT ON attribution.ledger_batches, attribution.revenue_ledger TO attribution_app, attribution_reader, attribution_admin;
