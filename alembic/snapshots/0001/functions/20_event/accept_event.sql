-- accept_event(): row trigger that turns a row as sent into a fact, skips a duplicate, or quarantines it.
--
-- Trigger  BEFORE INSERT ON attribution_events FOR EACH ROW
-- Returns  the row with the engine's columns filled in; null for duplicates and quarantined rows, so that the INSERT
--          goes on without them
-- Errors   RA009 the row is for another tenant than the one in context; RA010 see quarantine_event()
-- Reads    event_types, channel_taxonomy, channel_aliases, currencies, tenants
-- Writes   event_keys, dead_events
-- SECURITY DEFINER: an app may neither write dead_events nor read every channel alias.
--
-- A new check goes into the chain below: cheap ones first, since the chain ends at the first that fails. Plain touches, which
-- are most rows, pass by the chain: where the new check could fail for one, it must be no plain touch any more.

CREATE OR REPLACE FUNCTION attribution.accept_event()
RETURNS trigger
LANGUAGE plpgsql
VOLATILE
SECURITY DEFINER
SET search_path = attribution, pg_temp
AS $$
DECLARE
    v_tenant uuid := attribution.current_tenant();
    v_known_currency boolean;
    v_words text; -- its ids and labels, which must hold no personal data
    v_code text;
    v_message text;
    v_column text;
    v_hint text;
BEGIN
    -- First of all, so that no row can reach another tenant's dead letters.
    IF NEW.tenant_id IS DISTINCT FROM v_tenant THEN
        RAISE EXCEPTION USING
            ERRCODE = 'RA009',
            MESSAGE = 'the event is for another tenant than the one in context',
            DETAIL = format('The row says %s, the context is %s.', coalesce(NEW.tenant_id::text, 'null'), v_tenant),
            HINT = 'Leave tenant_id out: it defaults from the context. To change the context: SELECT attribution.set_tenant(''…'').';
    END IF;

    IF NEW.id IS NULL THEN
        NEW.id := attribution.uuid_v7();
    END IF;
    IF '' COLLATE "C" IN (
        NEW.external_event_id, NEW.correlation_id, NEW.channel, NEW.campaign_id, NEW.partner_id, NEW.partner_role, NEW.currency,
        NEW.transaction_id, NEW.idempotency_key
    ) THEN
        NEW.external_event_id := nullif(NEW.external_event_id, '');
        NEW.correlation_id := nullif(NEW.correlation_id, '');
        NEW.channel := nullif(NEW.channel, '');
        NEW.campaign_id := nullif(NEW.campaign_id, '');
        NEW.partner_id := nullif(NEW.partner_id, '');
        NEW.partner_role := nullif(NEW.partner_role, '');
        NEW.currency := nullif(NEW.currency, '');
        NEW.transaction_id := nullif(NEW.transaction_id, '');
        NEW.idempotency_key := nullif(NEW.idempotency_key, '');
    END IF;
    IF NEW.idempotency_key IS NULL THEN
        NEW.idempotency_key := coalesce(NEW.external_event_id, NEW.correlation_id, NEW.id::text);
    END IF;
    v_words := concat_ws(' ', NEW.idempotency_key, NEW.external_event_id, NEW.correlation_id, NEW.channel, NEW.campaign_id,
        NEW.partner_id, NEW.partner_role, NEW.transaction_id);
    NEW.received_at := clock_timestamp();
    NEW.occurred_at_known := NEW.occurred_at IS NOT NULL;
    IF NEW.occurred_at IS NULL THEN
        NEW.occurred_at := NEW.received_at;
    END IF;

    -- A plain touch: one statement sees that its type and channel are in order and takes its key. All other rows go through
    -- the chain, and so does this one when the statement takes nothing.
    IF NEW.session_id IS NOT NULL AND NEW.event_type <> 'partner_touch' AND NEW.channel IS NOT NULL
        AND NEW.occurred_at BETWEEN '1970-01-01 00:00:00+00' AND NEW.received_at
        AND num_nonnulls(NEW.conversion_value_cents, NEW.currency, NEW.weight, NEW.partner_id, NEW.partner_role) = 0
        AND octet_length(v_words) <= 512 AND strpos(v_words, '@') = 0
        AND (
            NEW.raw_payload IS NULL OR attribution.payload_is_plain(NEW.raw_payload)
            OR (attribution.check_payload(NEW.raw_payload)).error_code IS NULL
        ) THEN
        NEW.event_kind := 'touch';
        NEW.channel_code := CASE
            WHEN NEW.channel COLLATE "C" ~ '[^a-z0-9_]' THEN attribution.resolve_label(v_tenant, NEW.channel) ELSE NEW.channel
        END;
        INSERT INTO attribution.event_keys (tenant_id, idempotency_key, event_id)
        SELECT v_tenant, NEW.idempotency_key, NEW.id
        FROM attribution.event_types AS t
        CROSS JOIN attribution.channel_taxonomy AS c
        WHERE t.code = NEW.event_type AND t.kind = NEW.event_kind
            AND c.code = NEW.channel_code AND c.is_active AND c.code <> 'unattributed'
        ON CONFLICT DO NOTHING;
        IF FOUND THEN
            RETURN NEW;
        END IF;
    END IF;

    SELECT
        (SELECT t.kind FROM attribution.event_types AS t WHERE t.code = NEW.event_type),
        (
            SELECT c.code FROM attribution.channel_taxonomy AS c
            WHERE c.code = NEW.channel AND c.is_active AND c.code <> 'unattributed'
        ),
        EXISTS (SELECT FROM attribution.currencies AS c WHERE c.code = NEW.currency)
    INTO NEW.event_kind, NEW.channel_code, v_known_currency;

    IF NEW.channel_code IS NULL AND coalesce(octet_length(NEW.channel), 0) <= 512
        AND (NEW.channel IS NOT NULL OR NEW.event_kind = 'touch') THEN
        NEW.channel_code := attribution.resolve_channel(v_tenant, NEW.channel, NEW.raw_payload);
    END IF;

    IF NEW.event_type IS NULL OR NEW.session_id IS NULL THEN
        v_code := 'MISSING_FIELD';
        v_column := CASE WHEN NEW.event_type IS NULL THEN 'event_type' ELSE 'session_id' END;
        v_message := format('%s is missing', v_column);
        v_hint := 'Every event has an event_type and a session_id.';
    ELSIF greatest(
        octet_length(NEW.idempotency_key), octet_length(NEW.external_event_id), octet_length(NEW.correlation_id),
        octet_length(NEW.channel), octet_length(NEW.campaign_id), octet_length(NEW.partner_id),
        octet_length(NEW.partner_role), octet_length(NEW.transaction_id), octet_length(NEW.event_type)
    ) > 512 THEN
        v_code := 'INVALID_VALUE';
        v_column := (
            SELECT t.name
            FROM unnest(
                ARRAY['external_event_id', 'correlation_id', 'channel', 'campaign_id', 'partner_id', 'partner_role',
                    'transaction_id', 'event_type', 'idempotency_key'],
                ARRAY[NEW.external_event_id, NEW.correlation_id, NEW.channel, NEW.campaign_id, NEW.partner_id,
                    NEW.partner_role, NEW.transaction_id, NEW.event_type, NEW.idempotency_key]
            ) WITH ORDINALITY AS t (name, value, place)
            WHERE octet_length(t.value) > 512
            ORDER BY t.place
            LIMIT 1
        );
        v_message := format('%s is longer than 512 bytes', v_column);
        v_hint := 'Send an id or a label, not a document; free data belongs into raw_payload.';
    ELSIF NEW.event_kind IS NULL THEN
        v_code := 'UNKNOWN_EVENT_TYPE';
        v_column := 'event_type';
        v_message := format('event type %L is not known', attribution.mask_text(NEW.event_type));
        v_hint := 'Use a code from attribution.event_types.';
    ELSIF NOT isfinite(NEW.occurred_at) OR NEW.occurred_at < '1970-01-01 00:00:00+00' THEN
        v_code := 'INVALID_TIMESTAMP';
        v_column := 'occurred_at';
        v_message := format('occurred_at %s is not a time at which an event can have happened', NEW.occurred_at AT TIME ZONE 'UTC');
        v_hint := 'Send a finite time from 1970 on, with its time zone; or leave it out, and the receiving time stands in.';
    ELSIF NEW.occurred_at > NEW.received_at AND NEW.occurred_at > NEW.received_at + (
        SELECT coalesce(t.settings ->> 'max_future', '1 day')::interval FROM attribution.tenants AS t WHERE t.id = v_tenant
    ) THEN
        v_code := 'INVALID_TIMESTAMP';
        v_column := 'occurred_at';
        v_message := format('occurred_at %s UTC lies too far in the future', NEW.occurred_at AT TIME ZONE 'UTC');
        v_hint := 'Check the sender''s clock and time zone, or raise the tenant''s settings.max_future.';
    ELSIF NEW.event_kind IN ('conversion', 'refund')
        AND (NEW.conversion_value_cents IS NULL OR NEW.currency IS NULL) THEN
        v_code := 'MISSING_FIELD';
        v_column := CASE WHEN NEW.conversion_value_cents IS NULL THEN 'conversion_value_cents' ELSE 'currency' END;
        v_message := format('%s is missing', v_column);
        v_hint := format('A %s has a conversion_value_cents (minor units) and a currency (ISO 4217).', NEW.event_kind);
    ELSIF NEW.event_kind IN ('refund', 'dispute') AND NEW.transaction_id IS NULL THEN
        v_code := 'MISSING_FIELD';
        v_column := 'transaction_id';
        v_message := 'transaction_id is missing';
        v_hint := format('A %s names the transaction_id of the sale that it is about.', NEW.event_kind);
    ELSIF NEW.conversion_value_cents < 0 OR (NEW.event_kind = 'refund' AND NEW.conversion_value_cents = 0) THEN
        v_code := 'INVALID_VALUE';
        v_column := 'conversion_value_cents';
        v_message := format('conversion_value_cents %s is not a value of a %s', NEW.conversion_value_cents, NEW.event_kind);
        v_hint := 'Send minor units, 0 or more; a refund is an event of type refund with a positive value.';
    ELSIF NEW.weight < 0 OR NEW.weight > 1e15 THEN -- NaN is greater than any number here, and so is infinity
        v_code := 'INVALID_VALUE';
        v_column := 'weight';
        v_message := format('weight %s is not a weight', NEW.weight);
        v_hint := 'Send a number from 0 to 1e15.';
    ELSIF NEW.currency IS NOT NULL AND NOT v_known_currency THEN
        v_code := 'INVALID_CURRENCY';
        v_column := 'currency';
        v_message := format('currency %L is not known', left(NEW.currency, 20));
        v_hint := 'Send an ISO 4217 code in capitals, such as USD; see attribution.currencies.';
    ELSIF NEW.partner_id IS NULL AND (NEW.event_type = 'partner_touch' OR NEW.partner_role IS NOT NULL) THEN
        v_code := 'INVALID_PARTNER';
        v_column := 'partner_id';
        v_message := CASE
            WHEN NEW.event_type = 'partner_touch' THEN 'a partner_touch names no partner'
            ELSE 'partner_role is given without a partner'
        END;
        v_hint := 'Send the partner_id of the partner who made the touch.';
    ELSIF NEW.channel_code IS NULL AND NEW.channel IS NOT NULL THEN
        v_code := 'UNKNOWN_CHANNEL';
        v_column := 'channel';
        v_message := format('channel %L is not known', attribution.mask_text(NEW.channel));
        v_hint := 'Use a code from attribution.channel_taxonomy, or map the label in attribution.channel_aliases.';
    ELSIF NEW.channel_code IS NULL AND NEW.event_kind = 'touch' THEN
        v_code := 'MISSING_FIELD';
        v_column := 'channel';
        v_message := 'channel is missing';
        v_hint := 'A touch has a channel; or its raw_payload has a click id or a mapped utm_source and utm_medium.';
    ELSIF strpos(v_words, '@') > 0 AND v_words ~* attribution.pii_pattern('e-mail address') THEN
        v_code := 'PII_DETECTED';
        v_column := 'idempotency_key, external_event_id, correlation_id, channel, campaign_id, partner_id, partner_role or transaction_id';
        v_message := 'an id or label holds an e-mail address';
        v_hint := 'Send an opaque id instead; events hold no personal data.';
    ELSIF NEW.raw_payload IS NOT NULL THEN
        v_column := 'raw_payload';
        SELECT c.error_code, c.error_message, c.error_hint INTO v_code, v_message, v_hint
        FROM attribution.check_payload(NEW.raw_payload) AS c;
    END IF;

    IF v_code IS NULL THEN
        -- Waits for a transaction that is sending the same key or id, and then knows whether it was accepted.
        INSERT INTO attribution.event_keys (tenant_id, idempotency_key, event_id)
        VALUES (v_tenant, NEW.idempotency_key, NEW.id)
        ON CONFLICT DO NOTHING;
        IF FOUND THEN
            RETURN NEW;
        END IF;
        v_code := 'INVALID_VALUE';
        v_column := 'id';
        v_message := 'id is taken by an event with another idempotency key';
        v_hint := 'Leave id out: the database makes one.';
    END IF;

    -- Whatever is wrong with it now (its channel may have been retired since), an event that was accepted is a duplicate.
    IF NOT EXISTS (
        SELECT
        FROM attribution.event_keys AS k
        WHERE k.tenant_id = v_tenant AND k.idempotency_key = NEW.idempotency_key
    ) THEN
        PERFORM attribution.quarantine_event(NEW, v_code, v_message, v_column, v_hint);
    END IF;
    RETURN NULL;
END
$$;

ALTER FUNCTION attribution.accept_event() OWNER TO attribution_engine;

COMMENT ON FUNCTION attribution.accept_event() IS
'Row trigger of attribution_events: resolves and checks a row, skips a duplicate, quarantines what is not a valid fact. Errors: RA009, RA010.';

REVOKE ALL ON FUNCTION attribution.accept_event() FROM PUBLIC;
