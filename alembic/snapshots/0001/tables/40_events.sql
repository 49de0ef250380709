-- Facts: what apps sent, what could not be accepted, and the state of processing beside the immutable facts.

CREATE TABLE attribution.attribution_events (
    tenant_id uuid NOT NULL DEFAULT attribution.current_tenant() REFERENCES attribution.tenants (id) ON DELETE CASCADE,
    id uuid NOT NULL DEFAULT attribution.uuid_v7(),
    event_type text COLLATE "C" NOT NULL,
    event_kind text COLLATE "C" NOT NULL,
    session_id uuid NOT NULL,
    occurred_at timestamptz NOT NULL,
    occurred_at_known boolean NOT NULL DEFAULT true,
    received_at timestamptz NOT NULL DEFAULT now(),
    idempotency_key text COLLATE "C" NOT NULL,
    external_event_id text COLLATE "C",
    correlation_id text COLLATE "C",
    channel text,
    channel_code text COLLATE "C" REFERENCES attribution.channel_taxonomy (code) ON DELETE RESTRICT,
    campaign_id text COLLATE "C",
    partner_id text COLLATE "C",
    partner_role text COLLATE "C",
    weight double precision,
    conversion_value_cents bigint,
    currency text COLLATE "C" REFERENCES attribution.currencies (code) ON DELETE RESTRICT,
    transaction_id text COLLATE "C",
    raw_payload jsonb,
    PRIMARY KEY (tenant_id, id),
    -- Duplicates are decided here, whatever the trigger saw.
    CONSTRAINT attribution_events_idempotency UNIQUE (tenant_id, idempotency_key),
    FOREIGN KEY (event_type, event_kind) REFERENCES attribution.event_types (code, kind) ON DELETE RESTRICT
);

-- One index serves journeys, the conversions a late touch affects, and a journey's milestones.
CREATE INDEX attribution_events_session ON attribution.attribution_events (tenant_id, session_id, event_kind, occurred_at, id);
CREATE INDEX attribution_events_conversion_time ON attribution.attribution_events (tenant_id, occurred_at)
    INCLUDE (id) WHERE event_kind = 'conversion';
-- The events of a sale, by what it is called in the ledger.
CREATE INDEX attribution_events_transaction ON attribution.attribution_events (tenant_id, coalesce(transaction_id, id::text))
    WHERE event_kind IN ('conversion', 'refund', 'dispute');

COMMENT ON TABLE attribution.attribution_events IS 'Append-only facts. INSERT here is the API: triggers resolve, check, de-duplicate and quarantine each row. Key collisions are duplicates and are skipped.';
COMMENT ON COLUMN attribution.attribution_events.tenant_id IS 'Tenant; defaults from the context.';
COMMENT ON COLUMN attribution.attribution_events.id IS 'Event id (UUIDv7); an app may choose its own.';
COMMENT ON COLUMN attribution.attribution_events.event_type IS 'Code from event_types, as sent.';
COMMENT ON COLUMN attribution.attribution_events.event_kind IS 'Kind of the event type; set by the engine.';
COMMENT ON COLUMN attribution.attribution_events.session_id IS 'The visitor''s session or the deal''s id: what ties a journey together.';
COMMENT ON COLUMN attribution.attribution_events.occurred_at IS 'When it happened, by the sender''s clock; the receiving time when the sender gave none.';
COMMENT ON COLUMN attribution.attribution_events.occurred_at_known IS 'False: the sender gave no time; set by the engine.';
COMMENT ON COLUMN attribution.attribution_events.received_at IS 'When the database received it; set by the engine.';
COMMENT ON COLUMN attribution.attribution_events.idempotency_key IS 'Unique per tenant, compared byte by byte; defaults from external_event_id, then correlation_id, then id.';
COMMENT ON COLUMN attribution.attribution_events.external_event_id IS 'The event''s id in the sending system.';
COMMENT ON COLUMN attribution.attribution_events.correlation_id IS 'Id that ties the event to a request or message.';
COMMENT ON COLUMN attribution.attribution_events.channel IS 'Channel label as sent.';
COMMENT ON COLUMN attribution.attribution_events.channel_code IS 'Channel it resolved to; set by the engine.';
COMMENT ON COLUMN attribution.attribution_events.campaign_id IS 'Campaign, in the sender''s terms.';
COMMENT ON COLUMN attribution.attribution_events.partner_id IS 'Partner who made the touch, in the sender''s terms.';
COMMENT ON COLUMN attribution.attribution_events.partner_role IS 'The partner''s role in the deal (sourced, influenced, …); needs partner_id.';
COMMENT ON COLUMN attribution.attribution_events.weight IS 'The touch''s own weight for the weighted model; finite, 0 or more.';
COMMENT ON COLUMN attribution.attribution_events.conversion_value_cents IS 'Value of a conversion, 0 or more, or of a refund or chargeback, above 0, in minor units of currency.';
COMMENT ON COLUMN attribution.attribution_events.currency IS 'ISO 4217 code of the value.';
COMMENT ON COLUMN attribution.attribution_events.transaction_id IS 'The sale''s id; a refund, chargeback or dispute names the sale it is about.';
COMMENT ON COLUMN attribution.attribution_events.raw_payload IS 'Whatever else the sender wants kept: a JSON object of at most 64 KiB, free of personal data.';

CREATE TYPE attribution.parsed_event AS (
    event attribution.attribution_events,
    error_code text,
    error_message text,
    error_column text,
    error_hint text
);

COMMENT ON TYPE attribution.parsed_event IS 'What parse_event() makes of an event sent as JSON: a row, and what is wrong with it where something is.';

ALTER TYPE attribution.parsed_event OWNER TO attribution_owner;

-- No foreign key: a row is written in the same breath as the event that it stands for.
CREATE TABLE attribution.event_keys (
    tenant_id uuid NOT NULL,
    idempotency_key text COLLATE "C" NOT NULL,
    event_id uuid NOT NULL,
    PRIMARY KEY (tenant_id, idempotency_key),
    UNIQUE (tenant_id, event_id)
);

COMMENT ON TABLE attribution.event_keys IS 'One row per accepted event, written just before it: where senders of the same key at the same time meet, wait, and learn who was first. The unique key of attribution_events alone would fail the second sender''s whole statement.';
COMMENT ON COLUMN attribution.event_keys.tenant_id IS 'Tenant.';
COMMENT ON COLUMN attribution.event_keys.idempotency_key IS 'The event''s key.';
COMMENT ON COLUMN attribution.event_keys.event_id IS 'The event''s id, which an app may choose: unique here for the same reason.';

CREATE TABLE attribution.event_processing (
    tenant_id uuid NOT NULL,
    event_id uuid NOT NULL,
    processing_status text COLLATE "C" NOT NULL DEFAULT 'pending'
        CHECK (processing_status IN ('pending', 'processed', 'failed', 'dead')),
    processed_at timestamptz,
    retry_count int NOT NULL DEFAULT 0 CHECK (retry_count >= 0),
    next_retry_at timestamptz,
    last_error text,
    PRIMARY KEY (tenant_id, event_id),
    FOREIGN KEY (tenant_id, event_id) REFERENCES attribution.attribution_events (tenant_id, id) ON DELETE RESTRICT
);

CREATE INDEX event_processing_open ON attribution.event_processing (tenant_id, event_id)
    INCLUDE (processing_status, next_retry_at)
    WHERE processing_status <> 'processed';

COMMENT ON TABLE attribution.event_processing IS 'State of processing beside each immutable conversion, refund and dispute; the conversions'' rows are the locks that workers take.';
COMMENT ON COLUMN attribution.event_processing.tenant_id IS 'Tenant.';
COMMENT ON COLUMN attribution.event_processing.event_id IS 'The conversion, refund, chargeback or dispute.';
COMMENT ON COLUMN attribution.event_processing.processing_status IS 'pending (not yet worked on; a refund waits for its sale), processed, failed (see last_error; retried at next_retry_at, or when the sale''s facts change), dead (gave up).';
COMMENT ON COLUMN attribution.event_processing.processed_at IS 'When it was last processed with success.';
COMMENT ON COLUMN attribution.event_processing.retry_count IS 'Failures so far.';
COMMENT ON COLUMN attribution.event_processing.next_retry_at IS 'Not retried before; null when nothing is due.';
COMMENT ON COLUMN attribution.event_processing.last_error IS 'Last error: SQLSTATE, message, detail and hint. Kept until it succeeds.';

CREATE TABLE attribution.dead_events (
    tenant_id uuid NOT NULL REFERENCES attribution.tenants (id) ON DELETE CASCADE,
    id uuid NOT NULL DEFAULT attribution.uuid_v7(),
    source text NOT NULL,
    error_code text COLLATE "C" NOT NULL CHECK (error_code IN (
        'MISSING_FIELD', 'UNKNOWN_EVENT_TYPE', 'UNKNOWN_CHANNEL', 'INVALID_CURRENCY', 'INVALID_VALUE',
        'INVALID_TIMESTAMP', 'PAYLOAD_TOO_LARGE', 'PII_DETECTED', 'INVALID_PARTNER')),
    error_message text NOT NULL,
    error_detail jsonb NOT NULL DEFAULT '{}',
    raw_payload jsonb NOT NULL,
    idempotency_key text COLLATE "C" NOT NULL,
    correlation_id text COLLATE "C",
    external_event_id text COLLATE "C",
    ingested_at timestamptz NOT NULL DEFAULT now(),
    retry_count int NOT NULL DEFAULT 0 CHECK (retry_count >= 0),
    last_retry_at timestamptz,
    next_retry_at timestamptz,
    remediation_status text COLLATE "C" NOT NULL DEFAULT 'pending'
        CHECK (remediation_status IN ('pending', 'retrying', 'resolved', 'discarded')),
    resolved_event_id uuid,
    PRIMARY KEY (tenant_id, id),
    -- The same bad event sent again is the same dead event.
    CONSTRAINT dead_events_once UNIQUE (tenant_id, idempotency_key, error_code),
    FOREIGN KEY (tenant_id, resolved_event_id) REFERENCES attribution.attribution_events (tenant_id, id) ON DELETE RESTRICT
);

CREATE INDEX dead_events_open ON attribution.dead_events (tenant_id, error_code, ingested_at)
    WHERE remediation_status IN ('pending', 'retrying');
CREATE INDEX dead_events_resolved ON attribution.dead_events (tenant_id, resolved_event_id) WHERE resolved_event_id IS NOT NULL;

COMMENT ON TABLE attribution.dead_events IS 'Rows that were sent but are not valid facts, with the reason and personal data masked.';
COMMENT ON COLUMN attribution.dead_events.tenant_id IS 'Tenant.';
COMMENT ON COLUMN attribution.dead_events.id IS 'Dead event id (UUIDv7).';
COMMENT ON COLUMN attribution.dead_events.source IS 'Way in: insert, or ingest for the JSON functions and ctl ingest.';
COMMENT ON COLUMN attribution.dead_events.error_code IS 'Which check refused it.';
COMMENT ON COLUMN attribution.dead_events.error_message IS 'What is wrong, for people.';
COMMENT ON COLUMN attribution.dead_events.error_detail IS 'column: where; hint: what to do.';
COMMENT ON COLUMN attribution.dead_events.raw_payload IS 'The whole event as sent, one key per column, personal data masked; a payload above 1 MiB is kept as its size and SHA-256.';
COMMENT ON COLUMN attribution.dead_events.idempotency_key IS 'The event''s key; its SHA-256 where the key itself holds personal data or is too long.';
COMMENT ON COLUMN attribution.dead_events.correlation_id IS 'As sent, masked.';
COMMENT ON COLUMN attribution.dead_events.external_event_id IS 'As sent, masked.';
COMMENT ON COLUMN attribution.dead_events.ingested_at IS 'When it was received.';
COMMENT ON COLUMN attribution.dead_events.retry_count IS 'Replays so far.';
COMMENT ON COLUMN attribution.dead_events.last_retry_at IS 'Last replay.';
COMMENT ON COLUMN attribution.dead_events.next_retry_at IS 'Not replayed before.';
COMMENT ON COLUMN attribution.dead_events.remediation_status IS 'pending, retrying, resolved (became resolved_event_id), discarded.';
COMMENT ON COLUMN attribution.dead_events.resolved_event_id IS 'The event it became.';

-- No foreign key and no upsert: an append must never wait, and a claim deletes exactly the rows it saw.
CREATE TABLE attribution.work_queue (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL DEFAULT attribution.uuid_v7(),
    event_ids uuid[] NOT NULL,
    fx_currency text COLLATE "C",
    fx_days daterange,
    enqueued_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT work_queue_fx CHECK ((fx_currency IS NULL) = (fx_days IS NULL))
);

-- A long array is kept out of line: ids of one statement hardly compress, and trying costs more than the space for a while.
ALTER TABLE attribution.work_queue ALTER COLUMN event_ids SET STORAGE EXTERNAL;

COMMENT ON TABLE attribution.work_queue IS 'Append-only log of events that were inserted and not yet taken into account. A claim deletes a batch and does the work in the same transaction.';
COMMENT ON COLUMN attribution.work_queue.tenant_id IS 'Tenant.';
COMMENT ON COLUMN attribution.work_queue.id IS 'Time-ordered id (UUIDv7).';
COMMENT ON COLUMN attribution.work_queue.event_ids IS 'Events of one INSERT statement.';
COMMENT ON COLUMN attribution.work_queue.fx_currency IS 'Currency of which rates were imported; null for events.';
COMMENT ON COLUMN attribution.work_queue.fx_days IS 'Days (UTC) whose sales the imported rates may change; null for events.';
COMMENT ON COLUMN attribution.work_queue.enqueued_at IS 'When they were inserted.';

CREATE TABLE attribution.import_sources (
    tenant_id uuid NOT NULL REFERENCES attribution.tenants (id) ON DELETE CASCADE,
    name text NOT NULL CHECK (octet_length(name) BETWEEN 1 AND 512),
    fingerprint text COLLATE "C" NOT NULL CHECK (fingerprint ~ '^[0-9]+:[0-9a-f]{64}$'),
    position bigint NOT NULL DEFAULT 0 CHECK (position >= 0),
    lines bigint NOT NULL DEFAULT 0 CHECK (lines >= 0),
    digest text COLLATE "C" NOT NULL DEFAULT '' CHECK (digest ~ '^([0-9a-f]{64})?$'),
    accepted bigint NOT NULL DEFAULT 0 CHECK (accepted >= 0),
    duplicates bigint NOT NULL DEFAULT 0 CHECK (duplicates >= 0),
    quarantined bigint NOT NULL DEFAULT 0 CHECK (quarantined >= 0),
    started_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, name, fingerprint)
);

COMMENT ON TABLE attribution.import_sources IS 'How far each file was imported. Moved in the transaction that stores the events, so that an import which was killed goes on where it stopped.';
COMMENT ON COLUMN attribution.import_sources.tenant_id IS 'Tenant.';
COMMENT ON COLUMN attribution.import_sources.name IS 'The file''s name without its folders; - is standard input.';
COMMENT ON COLUMN attribution.import_sources.fingerprint IS 'How many of its first bytes, and their SHA-256: a file that has grown since still has them.';
COMMENT ON COLUMN attribution.import_sources.position IS 'Bytes taken in, after decompression.';
COMMENT ON COLUMN attribution.import_sources.lines IS 'Lines taken in.';
COMMENT ON COLUMN attribution.import_sources.digest IS 'SHA-256 of the bytes taken in: tells a file that was changed there.';
COMMENT ON COLUMN attribution.import_sources.accepted IS 'Events that were new.';
COMMENT ON COLUMN attribution.import_sources.duplicates IS 'Events that were known.';
COMMENT ON COLUMN attribution.import_sources.quarantined IS 'Lines that went to dead_events.';
COMMENT ON COLUMN attribution.import_sources.started_at IS 'First batch.';
COMMENT ON COLUMN attribution.import_sources.updated_at IS 'Last batch.';

ALTER TABLE attribution.attribution_events OWNER TO attribution_owner;
ALTER TABLE attribution.event_keys OWNER TO attribution_owner;
ALTER TABLE attribution.event_processing OWNER TO attribution_owner;
ALTER TABLE attribution.dead_events OWNER TO attribution_owner;
ALTER TABLE attribution.work_queue OWNER TO attribution_owner;
ALTER TABLE attribution.import_sources OWNER TO attribution_owner;
GRANT SELECT, INSERT, DELETE ON attribution.attribution_events, attribution.event_keys, attribution.event_processing,
    attribution.dead_events, attribution.work_queue, attribution.import_sources TO attribution_engine;
GRANT UPDATE (processing_status, processed_at, retry_count, next_retry_at, last_error) ON attribution.event_processing
    TO attribution_engine;
GRANT UPDATE (id) ON attribution.work_queue TO attribution_engine; -- what FOR UPDATE SKIP LOCKED asks for
GRANT UPDATE (retry_count, last_retry_at, next_retry_at, remediation_status, resolved_event_id) ON attribution.dead_events
    TO attribution_engine;
GRANT UPDATE (position, lines, digest, accepted, duplicates, quarantined, updated_at) ON attribution.import_sources
    TO attribution_engine;
GRANT SELECT ON attribution.attribution_events, attribution.event_processing, attribution.dead_events, attribution.work_queue,
    attribution.import_sources
    TO attribution_app, attribution_reader, attribution_admin;
GRANT INSERT ON attribution.attribution_events TO attribution_app, attribution_admin;
