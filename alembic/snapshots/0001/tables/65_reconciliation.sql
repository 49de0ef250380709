-- Reconciliation: what processors and ad platforms reported, compared with the ledger.

CREATE TABLE attribution.reconciliation_runs (
    tenant_id uuid NOT NULL REFERENCES attribution.tenants (id) ON DELETE CASCADE,
    id uuid NOT NULL DEFAULT attribution.uuid_v7(),
    source text COLLATE "C" NOT NULL CHECK (source ~ '^[a-z][a-z0-9_]{0,62}$'),
    kind text COLLATE "C" NOT NULL CHECK (kind IN ('processor', 'ad_platform')),
    file_name text CHECK (octet_length(file_name) BETWEEN 1 AND 512),
    period_from timestamptz,
    period_to timestamptz,
    state text COLLATE "C" NOT NULL DEFAULT 'idle' CHECK (state IN ('idle', 'running', 'failed', 'completed', 'error')),
    started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    finished_at timestamptz,
    reported_rows bigint NOT NULL DEFAULT 0 CHECK (reported_rows >= 0),
    matched bigint NOT NULL DEFAULT 0 CHECK (matched >= 0),
    amount_mismatch bigint NOT NULL DEFAULT 0 CHECK (amount_mismatch >= 0),
    missing_in_ledger bigint NOT NULL DEFAULT 0 CHECK (missing_in_ledger >= 0),
    missing_in_report bigint NOT NULL DEFAULT 0 CHECK (missing_in_report >= 0),
    last_error text,
    created_by name NOT NULL DEFAULT session_user,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT reconciliation_runs_period CHECK (period_from < period_to),
    CONSTRAINT reconciliation_runs_finished CHECK ((finished_at IS NOT NULL) = (state IN ('failed', 'completed', 'error'))),
    CONSTRAINT reconciliation_runs_error CHECK ((last_error IS NOT NULL) = (state = 'error'))
);

CREATE INDEX reconciliation_runs_source ON attribution.reconciliation_runs (tenant_id, source, kind, started_at);

COMMENT ON TABLE attribution.reconciliation_runs IS 'One comparison of a statement with the ledger.';
COMMENT ON COLUMN attribution.reconciliation_runs.tenant_id IS 'Tenant.';
COMMENT ON COLUMN attribution.reconciliation_runs.id IS 'Run id (UUIDv7).';
COMMENT ON COLUMN attribution.reconciliation_runs.source IS 'Who reported: stripe, shopify, google_ads and so on; lower snake case.';
COMMENT ON COLUMN attribution.reconciliation_runs.kind IS 'processor (amounts by transaction) or ad_platform (claims by channel and day).';
COMMENT ON COLUMN attribution.reconciliation_runs.file_name IS 'The statement''s name without its folders.';
COMMENT ON COLUMN attribution.reconciliation_runs.period_from IS 'Start of the period compared, inclusive; null: no bound.';
COMMENT ON COLUMN attribution.reconciliation_runs.period_to IS 'End of the period compared, exclusive; null: no bound.';
COMMENT ON COLUMN attribution.reconciliation_runs.state IS 'idle (opened), running, completed (all matched, or claims stored), failed (there are differences), error (could not be done; see last_error).';
COMMENT ON COLUMN attribution.reconciliation_runs.started_at IS 'When it was opened.';
COMMENT ON COLUMN attribution.reconciliation_runs.finished_at IS 'When it ended; null until then.';
COMMENT ON COLUMN attribution.reconciliation_runs.reported_rows IS 'Rows of the statement.';
COMMENT ON COLUMN attribution.reconciliation_runs.matched IS 'Transactions whose amounts are equal.';
COMMENT ON COLUMN attribution.reconciliation_runs.amount_mismatch IS 'Transactions whose amounts differ.';
COMMENT ON COLUMN attribution.reconciliation_runs.missing_in_ledger IS 'Transactions that the statement has and the ledger has not.';
COMMENT ON COLUMN attribution.reconciliation_runs.missing_in_report IS 'Transactions that the ledger has in the period and the statement has not.';
COMMENT ON COLUMN attribution.reconciliation_runs.last_error IS 'Why it could not be done; null otherwise.';
COMMENT ON COLUMN attribution.reconciliation_runs.created_by IS 'Login that opened it.';

CREATE TABLE attribution.reported_revenue (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL DEFAULT attribution.uuid_v7(),
    run_id uuid NOT NULL,
    source text COLLATE "C" NOT NULL,
    kind text COLLATE "C" NOT NULL CHECK (kind IN ('processor', 'ad_platform')),
    line int NOT NULL CHECK (line >= 1),
    row_key text COLLATE "C" NOT NULL CHECK (octet_length(row_key) BETWEEN 1 AND 1024),
    transaction_id text COLLATE "C",
    channel_code text COLLATE "C" REFERENCES attribution.channel_taxonomy (code) ON DELETE RESTRICT,
    day date,
    occurred_at timestamptz,
    amount_cents bigint NOT NULL,
    currency text COLLATE "C" NOT NULL REFERENCES attribution.currencies (code) ON DELETE RESTRICT,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, run_id, row_key),
    CONSTRAINT reported_revenue_subject CHECK (CASE kind
        WHEN 'processor' THEN transaction_id IS NOT NULL AND channel_code IS NULL AND day IS NULL
        ELSE transaction_id IS NULL AND channel_code IS NOT NULL AND day IS NOT NULL AND amount_cents >= 0 END),
    FOREIGN KEY (tenant_id, run_id) REFERENCES attribution.reconciliation_runs (tenant_id, id) ON DELETE RESTRICT
);

CREATE INDEX reported_revenue_claims ON attribution.reported_revenue (tenant_id, source, channel_code, day)
    WHERE kind = 'ad_platform';

COMMENT ON TABLE attribution.reported_revenue IS 'Rows of statements as they were reported, append-only.';
COMMENT ON COLUMN attribution.reported_revenue.tenant_id IS 'Tenant.';
COMMENT ON COLUMN attribution.reported_revenue.id IS 'Row id (UUIDv7).';
COMMENT ON COLUMN attribution.reported_revenue.run_id IS 'The run that the statement was read for.';
COMMENT ON COLUMN attribution.reported_revenue.source IS 'Who reported.';
COMMENT ON COLUMN attribution.reported_revenue.kind IS 'processor or ad_platform.';
COMMENT ON COLUMN attribution.reported_revenue.line IS 'Line of the file, the header being line 1.';
COMMENT ON COLUMN attribution.reported_revenue.row_key IS 'What tells the row from the others of its statement: the reporter''s own id of it, or a digest of its columns.';
COMMENT ON COLUMN attribution.reported_revenue.transaction_id IS 'Processor: the sale.';
COMMENT ON COLUMN attribution.reported_revenue.channel_code IS 'Ad platform: the channel that it claims revenue for.';
COMMENT ON COLUMN attribution.reported_revenue.day IS 'Ad platform: the day in the tenant''s time zone.';
COMMENT ON COLUMN attribution.reported_revenue.occurred_at IS 'Processor: when the money moved; null where the statement does not say.';
COMMENT ON COLUMN attribution.reported_revenue.amount_cents IS 'Signed minor units of currency: refunds and chargebacks are negative. Ad platform: the claim, 0 or more.';
COMMENT ON COLUMN attribution.reported_revenue.currency IS 'ISO 4217 code.';

CREATE TABLE attribution.revenue_verifications (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL DEFAULT attribution.uuid_v7(),
    run_id uuid NOT NULL,
    source text COLLATE "C" NOT NULL,
    transaction_id text COLLATE "C" NOT NULL,
    currency text COLLATE "C" NOT NULL REFERENCES attribution.currencies (code) ON DELETE RESTRICT,
    status text COLLATE "C" NOT NULL
        CHECK (status IN ('matched', 'amount_mismatch', 'missing_in_ledger', 'missing_in_report')),
    reported_cents numeric,
    ledger_cents numeric,
    verified_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, run_id, transaction_id, currency),
    CONSTRAINT revenue_verifications_status CHECK (status = CASE
        WHEN ledger_cents IS NULL THEN 'missing_in_ledger' WHEN reported_cents IS NULL THEN 'missing_in_report'
        WHEN ledger_cents = reported_cents THEN 'matched' ELSE 'amount_mismatch' END),
    FOREIGN KEY (tenant_id, run_id) REFERENCES attribution.reconciliation_runs (tenant_id, id) ON DELETE RESTRICT
);

CREATE INDEX revenue_verifications_transaction
ON attribution.revenue_verifications (tenant_id, transaction_id, currency, verified_at);

COMMENT ON TABLE attribution.revenue_verifications IS 'What each run found about each transaction, append-only.';
COMMENT ON COLUMN attribution.revenue_verifications.tenant_id IS 'Tenant.';
COMMENT ON COLUMN attribution.revenue_verifications.id IS 'Verification id (UUIDv7).';
COMMENT ON COLUMN attribution.revenue_verifications.run_id IS 'The run.';
COMMENT ON COLUMN attribution.revenue_verifications.source IS 'Who reported.';
COMMENT ON COLUMN attribution.revenue_verifications.transaction_id IS 'The sale.';
COMMENT ON COLUMN attribution.revenue_verifications.currency IS 'ISO 4217 code.';
COMMENT ON COLUMN attribution.revenue_verifications.status IS 'matched, amount_mismatch, missing_in_ledger, missing_in_report.';
COMMENT ON COLUMN attribution.revenue_verifications.reported_cents IS 'Sum of the statement''s rows, minor units; null: it has none.';
COMMENT ON COLUMN attribution.revenue_verifications.ledger_cents IS 'Sum of the ledger''s lines in the period, minor units; null: it has none.';
COMMENT ON COLUMN attribution.revenue_verifications.verified_at IS 'When it was compared.';

ALTER TABLE attribution.reconciliation_runs OWNER TO attribution_owner;
ALTER TABLE attribution.reported_revenue OWNER TO attribution_owner;
ALTER TABLE attribution.revenue_verifications OWNER TO attribution_owner;
GRANT SELECT, INSERT, DELETE ON attribution.reconciliation_runs, attribution.reported_revenue, attribution.revenue_verifications
    TO attribution_engine;
GRANT UPDATE (period_from, period_to, state, finished_at, reported_rows, matched, amount_mismatch, missing_in_ledger, missing_in_report, last_error)
    ON attribution.reconciliation_runs TO attribution_engine;
GRANT SELECT ON attribution.reconciliation_runs, attribution.reported_revenue, attribution.revenue_verifications
    TO attribution_app, attribution_reader, attribution_admin;
