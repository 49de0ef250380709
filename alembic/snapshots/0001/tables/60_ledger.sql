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
    line_ids uuid[] NOT NULL,
    line_hashes bytea[] NOT NULL,
    entries_hash bytea NOT NULL CHECK (octet_length(entries_hash) = 32),
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT ledger_batches_entries CHECK (cardinality(line_ids) = entry_count AND cardinality(line_hashes) = entry_count),
    FOREIGN KEY (tenant_id, cause_event_id) REFERENCES attribution.attribution_events (tenant_id, id) ON DELETE RESTRICT,
    FOREIGN KEY (tenant_id, rule_id) REFERENCES attribution.attribution_rules (tenant_id, id) ON DELETE RESTRICT
);

-- Hashes do not compress: no time is to be lost on trying.
ALTER TABLE attribution.ledger_batches ALTER COLUMN line_ids SET STORAGE EXTERNAL, ALTER COLUMN line_hashes SET STORAGE EXTERNAL;

CREATE INDEX ledger_batches_cause ON attribution.ledger_batches (tenant_id, cause_event_id) WHERE cause_event_id IS NOT NULL;

COMMENT ON TABLE attribution.ledger_batches IS 'One posting operation: a journal entry whose lines are in revenue_ledger.';
COMMENT ON COLUMN attribution.ledger_batches.tenant_id IS 'Tenant.';
COMMENT ON COLUMN attribution.ledger_batches.id IS 'Batch id (UUIDv7).';
COMMENT ON COLUMN attribution.ledger_batches.kind IS 'attribution (first posting), restatement (reversal and re-posting), refund, override, adjustment.';
COMMENT ON COLUMN attribution.ledger_batches.cause_event_id IS 'The event, when the batch books a single one; null for a batch over many.';
COMMENT ON COLUMN attribution.ledger_batches.rule_id IS 'The book rule, when the batch posts under one; null otherwise.';
COMMENT ON COLUMN attribution.ledger_batches.posted_at IS 'When it was posted.';
COMMENT ON COLUMN attribution.ledger_batches.posted_by IS 'Login that posted.';
COMMENT ON COLUMN attribution.ledger_batches.reason IS 'Why, for people.';
COMMENT ON COLUMN attribution.ledger_batches.entry_count IS 'Number of lines.';
COMMENT ON COLUMN attribution.ledger_batches.line_ids IS 'Its lines, in id order.';
COMMENT ON COLUMN attribution.ledger_batches.line_hashes IS 'ledger_line_hash() of each of them: tells which line was altered.';
COMMENT ON COLUMN attribution.ledger_batches.entries_hash IS 'SHA-256 over the batch''s own columns and its line_ids and line_hashes; see batch_hash().';

CREATE TABLE attribution.revenue_ledger (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL DEFAULT attribution.uuid_v7(),
    batch_id uuid NOT NULL,
    transaction_id text COLLATE "C" NOT NULL,
    event_id uuid NOT NULL,
    allocation_id uuid NOT NULL,
    entry_type text COLLATE "C" NOT NULL
        CHECK (entry_type IN ('attribution', 'reversal', 'refund', 'chargeback', 'override', 'adjustment')),
    account text COLLATE "C" NOT NULL CHECK (account IN ('revenue', 'returns')),
    state text COLLATE "C" NOT NULL
        CHECK (state IN ('captured', 'partially_refunded', 'refunded', 'disputed', 'charged_back')),
    previous_state text COLLATE "C"
        CHECK (previous_state IN ('captured', 'partially_refunded', 'refunded', 'disputed', 'charged_back')),
    channel_code text COLLATE "C" NOT NULL REFERENCES attribution.channel_taxonomy (code) ON DELETE RESTRICT,
    campaign_id text COLLATE "C",
    partner_id text COLLATE "C",
    amount_cents bigint NOT NULL,
    currency text COLLATE "C" NOT NULL REFERENCES attribution.currencies (code) ON DELETE RESTRICT,
    amount_usd_cents bigint,
    fx_rate_used numeric,
    fx_conversion_timestamp timestamptz,
    reverses_id uuid,
    revision smallint NOT NULL DEFAULT 0 CHECK (revision >= 0),
    override_by text,
    audit_trail jsonb,
    occurred_at timestamptz NOT NULL,
    posted_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, id),
    -- No allocation is posted twice and no line reversed twice, whoever posts.
    CONSTRAINT revenue_ledger_once
        UNIQUE NULLS NOT DISTINCT (tenant_id, allocation_id, event_id, entry_type, reverses_id, revision),
    CONSTRAINT revenue_ledger_reversed_once UNIQUE (tenant_id, reverses_id),
    CONSTRAINT revenue_ledger_reversal CHECK ((entry_type = 'reversal') = (reverses_id IS NOT NULL)),
    CONSTRAINT revenue_ledger_account CHECK (CASE account
        WHEN 'revenue' THEN entry_type NOT IN ('refund', 'chargeback') ELSE entry_type NOT IN ('attribution', 'override') END),
    -- Only what corrects the dollars of other lines moves nothing but dollars.
    CONSTRAINT revenue_ledger_not_empty CHECK (
        amount_cents <> 0 OR (entry_type IN ('adjustment', 'reversal') AND amount_usd_cents <> 0)),
    CONSTRAINT revenue_ledger_adjustment CHECK (entry_type <> 'adjustment' OR (amount_cents = 0 AND currency <> 'USD')),
    CONSTRAINT revenue_ledger_usd CHECK (currency <> 'USD' OR (amount_usd_cents = amount_cents AND amount_usd_cents IS NOT NULL)),
    CONSTRAINT revenue_ledger_rate CHECK (
        (amount_usd_cents IS NULL) = (fx_rate_used IS NULL) AND (fx_rate_used IS NULL) = (fx_conversion_timestamp IS NULL)),
    FOREIGN KEY (tenant_id, batch_id) REFERENCES attribution.ledger_batches (tenant_id, id) ON DELETE RESTRICT,
    FOREIGN KEY (tenant_id, event_id) REFERENCES attribution.attribution_events (tenant_id, id) ON DELETE RESTRICT,
    FOREIGN KEY (tenant_id, allocation_id) REFERENCES attribution.attribution_allocations (tenant_id, id) ON DELETE RESTRICT,
    FOREIGN KEY (tenant_id, reverses_id) REFERENCES attribution.revenue_ledger (tenant_id, id) ON DELETE RESTRICT
);

CREATE INDEX revenue_ledger_batch ON attribution.revenue_ledger (tenant_id, batch_id);
CREATE INDEX revenue_ledger_event ON attribution.revenue_ledger (tenant_id, event_id);
CREATE INDEX revenue_ledger_transaction ON attribution.revenue_ledger (tenant_id, transaction_id, currency)
    INCLUDE (amount_cents, amount_usd_cents, account);
CREATE INDEX revenue_ledger_report ON attribution.revenue_ledger (tenant_id, occurred_at)
    INCLUDE (event_id, channel_code, campaign_id, currency, amount_cents, account, transaction_id);

CREATE INDEX revenue_ledger_unconverted ON attribution.revenue_ledger (tenant_id, event_id) WHERE amount_usd_cents IS NULL;

COMMENT ON TABLE attribution.revenue_ledger IS 'Append-only revenue lines: for every transaction and currency they sum to captured minus refunded revenue, to the minor unit.';
COMMENT ON COLUMN attribution.revenue_ledger.tenant_id IS 'Tenant.';
COMMENT ON COLUMN attribution.revenue_ledger.id IS 'Line id (UUIDv7).';
COMMENT ON COLUMN attribution.revenue_ledger.batch_id IS 'The journal entry it belongs to.';
COMMENT ON COLUMN attribution.revenue_ledger.transaction_id IS 'The sale; the conversion''s id where the sender named none.';
COMMENT ON COLUMN attribution.revenue_ledger.event_id IS 'The event that the line books: the conversion, the refund or the chargeback.';
COMMENT ON COLUMN attribution.revenue_ledger.allocation_id IS 'The allocation it posts or takes back; leads to rule and touch.';
COMMENT ON COLUMN attribution.revenue_ledger.entry_type IS 'attribution, reversal, refund, chargeback, override, adjustment.';
COMMENT ON COLUMN attribution.revenue_ledger.account IS 'revenue: what sales captured; returns: what refunds and chargebacks took back. Reversals and adjustments stand in the account of what they correct.';
COMMENT ON COLUMN attribution.revenue_ledger.state IS 'State of the transaction after this line. A line that moves nothing (a reversal, a re-posting, an adjustment) has it in both columns.';
COMMENT ON COLUMN attribution.revenue_ledger.previous_state IS 'State before; null for the first posting.';
COMMENT ON COLUMN attribution.revenue_ledger.channel_code IS 'Channel credited.';
COMMENT ON COLUMN attribution.revenue_ledger.campaign_id IS 'Campaign credited.';
COMMENT ON COLUMN attribution.revenue_ledger.partner_id IS 'Partner credited.';
COMMENT ON COLUMN attribution.revenue_ledger.amount_cents IS 'Signed minor units of currency; 0 only where an adjustment, or the reversal of one, moves dollars alone.';
COMMENT ON COLUMN attribution.revenue_ledger.currency IS 'ISO 4217 code.';
COMMENT ON COLUMN attribution.revenue_ledger.amount_usd_cents IS 'In US cents; null where no rate was known, an adjustment then brings them. All lines of a sale sum to the converted rest of it.';
COMMENT ON COLUMN attribution.revenue_ledger.fx_rate_used IS 'US dollars per unit of currency; null while none is known.';
COMMENT ON COLUMN attribution.revenue_ledger.fx_conversion_timestamp IS 'The time whose rate was used: midnight UTC of the rate''s day, the sale''s own time for US dollars.';
COMMENT ON COLUMN attribution.revenue_ledger.reverses_id IS 'The line that this reversal takes back.';
COMMENT ON COLUMN attribution.revenue_ledger.revision IS '0; 1, 2 and so on where late facts had the same event posted anew on the same allocation.';
COMMENT ON COLUMN attribution.revenue_ledger.override_by IS 'Who re-divided by hand.';
COMMENT ON COLUMN attribution.revenue_ledger.audit_trail IS 'Overrides: override_id, by, at, reason.';
COMMENT ON COLUMN attribution.revenue_ledger.occurred_at IS 'When event_id happened: the day the money belongs to.';
COMMENT ON COLUMN attribution.revenue_ledger.posted_at IS 'When the line was posted.';

CREATE TABLE attribution.revenue_state_transitions (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL DEFAULT attribution.uuid_v7(),
    transaction_id text COLLATE "C" NOT NULL,
    currency text COLLATE "C" NOT NULL REFERENCES attribution.currencies (code) ON DELETE RESTRICT,
    sequence int NOT NULL CHECK (sequence >= 1),
    event_id uuid,
    ledger_id uuid,
    from_state text COLLATE "C" NOT NULL,
    to_state text COLLATE "C" NOT NULL,
    restates boolean NOT NULL DEFAULT false,
    reason text NOT NULL,
    transitioned_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, transaction_id, currency, sequence),
    CONSTRAINT revenue_state_transitions_cause CHECK (restates = (event_id IS NULL)),
    FOREIGN KEY (from_state, to_state, restates)
        REFERENCES attribution.revenue_state_moves (from_state, to_state, restates) ON DELETE RESTRICT,
    FOREIGN KEY (tenant_id, event_id) REFERENCES attribution.attribution_events (tenant_id, id) ON DELETE RESTRICT,
    FOREIGN KEY (tenant_id, ledger_id) REFERENCES attribution.revenue_ledger (tenant_id, id) ON DELETE RESTRICT
);

COMMENT ON TABLE attribution.revenue_state_transitions IS 'Every change of a transaction''s state, append-only. One without any is captured.';
COMMENT ON COLUMN attribution.revenue_state_transitions.tenant_id IS 'Tenant.';
COMMENT ON COLUMN attribution.revenue_state_transitions.id IS 'Transition id (UUIDv7).';
COMMENT ON COLUMN attribution.revenue_state_transitions.transaction_id IS 'The sale.';
COMMENT ON COLUMN attribution.revenue_state_transitions.currency IS 'ISO 4217 code: a sale in two currencies has two states.';
COMMENT ON COLUMN attribution.revenue_state_transitions.sequence IS 'From 1 for each transaction and currency.';
COMMENT ON COLUMN attribution.revenue_state_transitions.event_id IS 'The refund, chargeback or dispute that moved it; null for a restatement.';
COMMENT ON COLUMN attribution.revenue_state_transitions.ledger_id IS 'The first ledger line of that event; null where no money moved.';
COMMENT ON COLUMN attribution.revenue_state_transitions.from_state IS 'State before.';
COMMENT ON COLUMN attribution.revenue_state_transitions.to_state IS 'State after.';
COMMENT ON COLUMN attribution.revenue_state_transitions.restates IS 'True: late facts changed the history; the moves after this row replace those before it.';
COMMENT ON COLUMN attribution.revenue_state_transitions.reason IS 'Why, for people.';
COMMENT ON COLUMN attribution.revenue_state_transitions.transitioned_at IS 'When it was recorded.';

CREATE TABLE attribution.ledger_seals (
    tenant_id uuid NOT NULL,
    seq bigint NOT NULL CHECK (seq >= 1),
    batch_id uuid NOT NULL,
    batch_hash bytea NOT NULL CHECK (octet_length(batch_hash) = 32),
    prev_hash bytea NOT NULL CHECK (octet_length(prev_hash) = 32),
    chain_hash bytea NOT NULL CHECK (octet_length(chain_hash) = 32),
    sealed_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, seq),
    UNIQUE (tenant_id, batch_id),
    FOREIGN KEY (tenant_id, batch_id) REFERENCES attribution.ledger_batches (tenant_id, id) ON DELETE RESTRICT
);

COMMENT ON TABLE attribution.ledger_seals IS 'The hash chain over a tenant''s batches, append-only, written by seal_ledger() outside the posting path.';
COMMENT ON COLUMN attribution.ledger_seals.tenant_id IS 'Tenant.';
COMMENT ON COLUMN attribution.ledger_seals.seq IS 'Place in the tenant''s chain, from 1 without gaps.';
COMMENT ON COLUMN attribution.ledger_seals.batch_id IS 'The batch.';
COMMENT ON COLUMN attribution.ledger_seals.batch_hash IS 'Its entries_hash when it was sealed.';
COMMENT ON COLUMN attribution.ledger_seals.prev_hash IS 'chain_hash of the seal before; 32 zero bytes for the first.';
COMMENT ON COLUMN attribution.ledger_seals.chain_hash IS 'seal_hash() of the columns before it: stands for the whole ledger up to here.';
COMMENT ON COLUMN attribution.ledger_seals.sealed_at IS 'When it was sealed.';

ALTER TABLE attribution.ledger_batches OWNER TO attribution_owner;
ALTER TABLE attribution.revenue_ledger OWNER TO attribution_owner;
ALTER TABLE attribution.revenue_state_transitions OWNER TO attribution_owner;
ALTER TABLE attribution.ledger_seals OWNER TO attribution_owner;
GRANT SELECT, INSERT, DELETE ON attribution.ledger_batches, attribution.revenue_ledger, attribution.revenue_state_transitions,
    attribution.ledger_seals TO attribution_engine;
GRANT SELECT ON attribution.ledger_batches, attribution.revenue_ledger, attribution.revenue_state_transitions,
    attribution.ledger_seals TO attribution_app, attribution_reader, attribution_admin;
