-- accept_event(): what is a fact, what the engine fills in, and the error code, message, column and hint of what is none.
BEGIN;
SELECT plan(36);
\ir ../shop.psql

-- One bad column of a purchase or click that is good otherwise; returns what dead_events says.
CREATE FUNCTION pg_temp.verdict(p_column text, p_value text, p_event_type text DEFAULT 'click') RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
    v_key text := 'k' || gen_random_uuid();
    v_row jsonb := jsonb_build_object(
        'event_type', p_event_type, 'session_id', gen_random_uuid(), 'occurred_at', '2024-03-01T10:00:00Z', 'channel', 'email',
        'idempotency_key', v_key
    ) || CASE WHEN p_event_type IN ('purchase', 'refund')
        THEN '{"conversion_value_cents": 100, "currency": "USD", "transaction_id": "t"}' ELSE '{}' END::jsonb
    || jsonb_build_object(p_column, p_value);
    v_verdict text;
BEGIN
    INSERT INTO attribution.attribution_events (
        event_type, session_id, occurred_at, idempotency_key, channel, partner_id, partner_role, weight, conversion_value_cents,
        currency, transaction_id, campaign_id, raw_payload
    )
    SELECT r.event_type, r.session_id, r.occurred_at, r.idempotency_key, r.channel, r.partner_id, r.partner_role, r.weight,
        r.conversion_value_cents, r.currency, r.transaction_id, r.campaign_id, (v_row ->> 'raw_payload')::jsonb
    FROM jsonb_populate_record(NULL::attribution.attribution_events, v_row - 'raw_payload') AS r;
    SELECT concat_ws(E'\n', d.error_code, d.error_detail ->> 'column', d.error_message, d.error_detail ->> 'hint') INTO v_verdict
    FROM attribution.dead_events AS d
    ORDER BY d.id DESC LIMIT 1;
    DELETE FROM pg_temp.seen WHERE verdict IS NULL;
    INSERT INTO pg_temp.seen VALUES (v_verdict);
    IF EXISTS (SELECT FROM attribution.attribution_events AS e WHERE e.idempotency_key = v_key OR e.idempotency_key = e.id::text) THEN
        RETURN 'accepted';
    END IF;
    RETURN v_verdict;
END
$$;
CREATE TEMP TABLE seen (verdict text);

SELECT is(pg_temp.verdict('event_type', NULL), E'MISSING_FIELD\nevent_type\nevent_type is missing\nEvery event has an event_type and a session_id.', 'no event type');
SELECT is(pg_temp.verdict('session_id', NULL), E'MISSING_FIELD\nsession_id\nsession_id is missing\nEvery event has an event_type and a session_id.', 'no session');
SELECT is(pg_temp.verdict('channel', NULL), E'MISSING_FIELD\nchannel\nchannel is missing\nA touch has a channel; or its raw_payload has a click id or a mapped utm_source and utm_medium.', 'a touch without a channel');
SELECT is(pg_temp.verdict('conversion_value_cents', NULL, 'purchase'), E'MISSING_FIELD\nconversion_value_cents\nconversion_value_cents is missing\nA conversion has a conversion_value_cents (minor units) and a currency (ISO 4217).', 'a conversion without a value');
SELECT is(pg_temp.verdict('currency', NULL, 'purchase'), E'MISSING_FIELD\ncurrency\ncurrency is missing\nA conversion has a conversion_value_cents (minor units) and a currency (ISO 4217).', 'or a currency');
SELECT is(pg_temp.verdict('transaction_id', NULL, 'refund'), E'MISSING_FIELD\ntransaction_id\ntransaction_id is missing\nA refund names the transaction_id of the sale that it is about.', 'a refund of nothing');
SELECT is(pg_temp.verdict('event_type', 'clack'), E'UNKNOWN_EVENT_TYPE\nevent_type\nevent type ''clack'' is not known\nUse a code from attribution.event_types.', 'an unknown event type');
SELECT is(pg_temp.verdict('event_type', 'a@b.com'), E'UNKNOWN_EVENT_TYPE\nevent_type\nevent type ''[e-mail address]'' is not known\nUse a code from attribution.event_types.', 'personal data in it is masked');
SELECT is(pg_temp.verdict('channel', 'google'), E'UNKNOWN_CHANNEL\nchannel\nchannel ''google'' is not known\nUse a code from attribution.channel_taxonomy, or map the label in attribution.channel_aliases.', 'an unknown channel');
SELECT is(pg_temp.verdict('currency', 'usd', 'purchase'), E'INVALID_CURRENCY\ncurrency\ncurrency ''usd'' is not known\nSend an ISO 4217 code in capitals, such as USD; see attribution.currencies.', 'an unknown currency');
SELECT is(pg_temp.verdict('conversion_value_cents', '-1', 'purchase'), E'INVALID_VALUE\nconversion_value_cents\nconversion_value_cents -1 is not a value of a conversion\nSend minor units, 0 or more; a refund is an event of type refund with a positive value.', 'a negative value');
SELECT is(pg_temp.verdict('conversion_value_cents', '0', 'refund'), E'INVALID_VALUE\nconversion_value_cents\nconversion_value_cents 0 is not a value of a refund\nSend minor units, 0 or more; a refund is an event of type refund with a positive value.', 'a refund of 0');
SELECT is(pg_temp.verdict('weight', 'NaN'), E'INVALID_VALUE\nweight\nweight NaN is not a weight\nSend a number from 0 to 1e15.', 'a weight that is no number');
SELECT is(pg_temp.verdict('weight', 'Infinity'), E'INVALID_VALUE\nweight\nweight Infinity is not a weight\nSend a number from 0 to 1e15.', 'an infinite one');
SELECT is(pg_temp.verdict('weight', '-0.5'), E'INVALID_VALUE\nweight\nweight -0.5 is not a weight\nSend a number from 0 to 1e15.', 'a negative one');
SELECT is(pg_temp.verdict('campaign_id', repeat('x', 513)), E'INVALID_VALUE\ncampaign_id\ncampaign_id is longer than 512 bytes\nSend an id or a label, not a document; free data belongs into raw_payload.', 'a text beyond 512 bytes');
SELECT is(pg_temp.verdict('campaign_id', repeat('é', 257)), E'INVALID_VALUE\ncampaign_id\ncampaign_id is longer than 512 bytes\nSend an id or a label, not a document; free data belongs into raw_payload.', 'counted in bytes');
SELECT is(pg_temp.verdict('occurred_at', 'infinity'), E'INVALID_TIMESTAMP\noccurred_at\noccurred_at infinity is not a time at which an event can have happened\nSend a finite time from 1970 on, with its time zone; or leave it out, and the receiving time stands in.', 'an infinite time');
SELECT is(pg_temp.verdict('occurred_at', '0001-01-01T00:00:00Z'), E'INVALID_TIMESTAMP\noccurred_at\noccurred_at 0001-01-01 00:00:00 is not a time at which an event can have happened\nSend a finite time from 1970 on, with its time zone; or leave it out, and the receiving time stands in.', 'a time before 1970');
SELECT is(pg_temp.verdict('occurred_at', '9999-12-31T00:00:00Z'), E'INVALID_TIMESTAMP\noccurred_at\noccurred_at 9999-12-31 00:00:00 UTC lies too far in the future\nCheck the sender''s clock and time zone, or raise the tenant''s settings.max_future.', 'a time to come');
SELECT is(pg_temp.verdict('event_type', 'partner_touch'), E'INVALID_PARTNER\npartner_id\na partner_touch names no partner\nSend the partner_id of the partner who made the touch.', 'a partner touch without a partner');
SELECT is(pg_temp.verdict('partner_role', 'closer'), E'INVALID_PARTNER\npartner_id\npartner_role is given without a partner\nSend the partner_id of the partner who made the touch.', 'a role without one');
SELECT is(pg_temp.verdict('raw_payload', '[1]'), E'INVALID_VALUE\nraw_payload\nraw_payload is not an object but a array\nSend a JSON object, or nothing.', 'a payload that is no object');
SELECT is(pg_temp.verdict('raw_payload', '{"a": "b@c.de"}'), E'PII_DETECTED\nraw_payload\nraw_payload holds personal data: e-mail address\nLeave it out, or send an opaque id instead; events hold no personal data.', 'personal data in the payload');
SELECT is(split_part(pg_temp.verdict('transaction_id', 'bob@example.com', 'purchase'), E'\n', 1), 'PII_DETECTED', 'personal data in an id');
SELECT alike(pg_temp.verdict('raw_payload', format('{"a": "%s"}', repeat('x ', 40000))), E'PAYLOAD_TOO_LARGE\nraw_payload\nraw_payload has % bytes, more than 64 KiB\nKeep the document elsewhere and send its id.', 'a payload beyond 64 KiB');
SELECT is_empty(
    $$SELECT code FROM unnest(ARRAY[
        'MISSING_FIELD', 'UNKNOWN_EVENT_TYPE', 'UNKNOWN_CHANNEL', 'INVALID_CURRENCY', 'INVALID_VALUE', 'INVALID_TIMESTAMP',
        'PAYLOAD_TOO_LARGE', 'PII_DETECTED', 'INVALID_PARTNER']) AS code
    WHERE NOT EXISTS (SELECT FROM pg_temp.seen WHERE verdict LIKE code || '%')$$,
    'that was every error code'
);

SELECT is(pg_temp.verdict('campaign_id', repeat('x', 512)), 'accepted', '512 bytes are accepted');
SELECT is(pg_temp.verdict('raw_payload', format('{"a": "%s"}', repeat('x ', 32700))), 'accepted', 'and nearly 64 KiB of payload');
SELECT is(
    pg_temp.verdict('raw_payload', repeat('{"a": ', 100) || '1' || repeat('}', 100)), 'accepted', 'and 100 levels of nesting'
);
SELECT is(
    pg_temp.verdict('conversion_value_cents', '0', 'purchase'), 'accepted', 'and a sale of nothing'
);

INSERT INTO attribution.attribution_events (
    event_type, session_id, occurred_at, channel, external_event_id, correlation_id, campaign_id, currency
)
VALUES ('visit', gen_random_uuid(), NULL, ' Google ADS ', '', 'c-1', '', '');
SELECT results_eq(
    $$SELECT event_kind, channel, channel_code, occurred_at_known, occurred_at = received_at, idempotency_key, external_event_id,
        campaign_id, currency
    FROM attribution.attribution_events WHERE correlation_id = 'c-1'$$,
    $$VALUES ('touch'::text COLLATE "C", ' Google ADS ', 'google_search_paid'::text COLLATE "C", false, true, 'c-1'::text COLLATE "C",
        NULL::text COLLATE "C", NULL::text COLLATE "C", NULL::text COLLATE "C")$$,
    'kind, channel code, time and key are filled in, empty texts are none, the label is kept as sent'
);
INSERT INTO attribution.attribution_events (event_type, session_id, occurred_at, channel, external_event_id, correlation_id)
VALUES ('visit', gen_random_uuid(), now(), 'email', 'x-1', 'c-2'), ('visit', gen_random_uuid(), now(), 'email', 'x-1', 'c-3');
SELECT results_eq(
    $$SELECT correlation_id FROM attribution.attribution_events WHERE idempotency_key = 'x-1'$$, $$VALUES ('c-2'::text COLLATE "C")$$,
    'the key defaults to external_event_id before correlation_id; the second of a statement is a duplicate'
);
SELECT throws_ok(
    format($$INSERT INTO attribution.attribution_events (tenant_id, event_type, session_id, channel)
        VALUES (%L, 'visit', gen_random_uuid(), 'email')$$, gen_random_uuid()),
    'RA009', 'the event is for another tenant than the one in context', 'a row for another tenant is refused'
);


-- An id that another key's event has: refused by name, and the key is not lost with it.
INSERT INTO attribution.attribution_events (id, event_type, session_id, idempotency_key, channel) VALUES
('00000000-0000-7000-8000-000000000001', 'visit', gen_random_uuid(), 'id-1', 'email');
INSERT INTO attribution.attribution_events (id, event_type, session_id, idempotency_key, channel) VALUES
('00000000-0000-7000-8000-000000000001', 'visit', gen_random_uuid(), 'id-2', 'email')
ON CONFLICT DO NOTHING;
SELECT results_eq(
    $$SELECT error_code, error_detail ->> 'column' FROM attribution.dead_events WHERE idempotency_key = 'id-2'$$,
    $$VALUES ('INVALID_VALUE'::text COLLATE "C", 'id')$$, 'an id that is taken by another key''s event is refused by name'
);
INSERT INTO attribution.attribution_events (event_type, session_id, idempotency_key, channel)
VALUES ('visit', gen_random_uuid(), 'id-2', 'email');
SELECT is(
    (SELECT count(*) FROM attribution.attribution_events WHERE idempotency_key = 'id-2'), 1::bigint,
    'and the event, sent with an id of its own, is not taken for a duplicate'
);

SELECT * FROM finish();
ROLLBACK;
