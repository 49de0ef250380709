-- find_pii(), is_pii_key(), is_person_key(), card_number_valid(): personal data is found, and what only looks like it is not.
BEGIN;
SELECT plan(8);

CREATE TEMP TABLE samples (payload jsonb, expected text);
INSERT INTO samples VALUES
('{"a": "bob@example.com"}', 'e-mail address'),
('{"a": "Bob <bob.smith+tag@mail.example.co.uk>"}', 'e-mail address'),
('{"a": "BOB@EXAMPLE.COM"}', 'e-mail address'),
('{"a": {"b": [1, {"c": "x bob@example.com y"}]}}', 'e-mail address'),
('{"bob@example.com": 1}', 'e-mail address'),
('{"a": "+49 170 1234567"}', 'phone number'),
('{"a": "+14155550100"}', 'phone number'),
('{"a": "(415) 555-0100"}', 'phone number'),
('{"a": "call 415-555-0100 now"}', 'phone number'),
('{"a": "415.555.0100"}', 'phone number'),
('{"a": "203.0.113.7"}', 'IP address'),
('{"a": "from 10.0.0.1:8080"}', 'IP address'),
('{"a": "2001:db8::1"}', 'IP address'),
('{"a": "2001:0db8:0000:0000:0000:0000:0000:0001"}', 'IP address'),
('{"a": "FE80::1:2"}', 'IP address'),
('{"a": "4111 1111 1111 1111"}', 'card number'),
('{"a": "4111-1111-1111-1111"}', 'card number'),
('{"a": 4111111111111111}', 'card number'),
('{"a": "378282246310005"}', 'card number'),
('{"a": "5555555555554444"}', 'card number'),
('{"email": null}', 'key "email"'),
('{"e-mail": 1}', 'key "e-mail"'),
('{"user": {"phone": "x"}}', 'key "phone"'),
('{"customerEmail": "x"}', 'key "customerEmail"'),
('{"a": [{"first_name": "Ann"}]}', 'key "first_name"'),
('{"lastName": "Lee"}', 'key "lastName"'),
('{"billing_address": {}}', 'key "billing_address"'),
('{"zip": "1"}', 'key "zip"'), ('{"postal_code": "1"}', 'key "postal_code"'),
('{"street": "x"}', 'key "street"'), ('{"address_line_1": "x"}', 'key "address_line_1"'),
('{"client_ip": "x"}', 'key "client_ip"'), ('{"ip": "x"}', 'key "ip"'), ('{"ip_address": 1}', 'key "ip_address"'),
('{"card_number": 1}', 'key "card_number"'), ('{"cvv": 1}', 'key "cvv"'), ('{"cvc": 1}', 'key "cvc"'), ('{"pan": 1}', 'key "pan"'),
('{"iban": 1}', 'key "iban"'), ('{"ssn": 1}', 'key "ssn"'), ('{"dob": 1}', 'key "dob"'), ('{"birth_date": 1}', 'key "birth_date"'),
('{"passport": 1}', 'key "passport"'), ('{"national_id": 1}', 'key "national_id"'), ('{"fax": 1}', 'key "fax"'),
('{"tel": 1}', 'key "tel"'), ('{"msisdn": 1}', 'key "msisdn"'), ('{"mobile": 1}', 'key "mobile"'),
('{"name": "Ann"}', 'key "name"'), ('{"customer": {"name": "Ann"}}', 'key "name"'), ('{"buyer": {"name": "Ann"}}', 'key "name"');
SELECT results_eq(
    'SELECT payload, lower(attribution.find_pii(payload)) FROM samples ORDER BY payload',
    'SELECT payload, lower(expected) FROM samples ORDER BY payload',
    'each kind of personal data is found and named'
);
SELECT is_empty(
    $$SELECT payload FROM samples WHERE attribution.find_pii(jsonb_build_object('wrap', jsonb_build_array(payload))) IS NULL
        AND expected <> 'key "name"'$$,
    'however deep it lies'
);

CREATE TEMP TABLE clean (payload jsonb);
INSERT INTO clean VALUES
('{}'), ('{"a": null}'), ('{"utm_source": "google", "utm_medium": "cpc", "gclid": "EAIaIQobChMI4"}'),
('{"user_agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/119.0.0.0 Safari/537.36"}'),
('{"id": "7b0e6a5c-4a1c-7d5e-9b1a-2f3c4d5e6f70"}'), ('{"at": "2024-03-01T12:00:00.123456+00:00"}'), ('{"n": 1234567890123}'),
('{"n": 4111111111111112}'), ('{"order": "1234567890123456"}'), ('{"version": "1.2.3.4"}'), ('{"handle": "@shop"}'),
('{"price": "19.99", "total": 1234.5}'), ('{"time": "12:30:45"}'), ('{"ratio": "16:9"}'),
('{"campaign": {"name": "Spring"}}'), ('{"product_name": "Shoe"}'), ('{"items": [{"name": "Shoe"}]}'), ('{"plan": "pro"}'),
('{"shipping": "fast", "zipped": true, "panel": 1, "description": "x", "tip": 1}'), ('{"image": "photo@2x.png"}'),
('{"sku": "415-55-0100"}');
SELECT is_empty(
    'SELECT payload, attribution.find_pii(payload) FROM clean WHERE attribution.find_pii(payload) IS NOT NULL',
    'user agents, ids, time stamps, versions and names of things are not personal data'
);

SELECT is(attribution.find_pii(NULL), NULL, 'no payload, nothing found');
SELECT is(
    attribution.find_pii(('{"a": "\"email\": "}')::jsonb), NULL, 'a value that spells a key is not a key'
);
SELECT results_eq(
    $$SELECT n, attribution.card_number_valid(n)
    FROM unnest(ARRAY['4111111111111111', '4111 1111 1111 1111', '4111111111111112', '378282246310005', '79927398713', '79927398710'])
        AS c (n)$$,
    $$VALUES ('4111111111111111', true), ('4111 1111 1111 1111', true), ('4111111111111112', false), ('378282246310005', true),
        ('79927398713', true), ('79927398710', false)$$,
    'card numbers are checked by Luhn''s digit'
);
SELECT is_empty(
    $$SELECT k FROM unnest(ARRAY['customer', 'user', 'billing', 'new_customer', 'Buyer']) AS k WHERE NOT attribution.is_person_key(k)
    UNION ALL
    SELECT k FROM unnest(ARRAY['campaign', 'customer_segment', 'username', 'product']) AS k WHERE attribution.is_person_key(k)$$,
    'keys that describe a person are told from others'
);
SELECT ok(
    attribution.is_pii_key('Email') AND NOT attribution.is_pii_key('name') AND NOT attribution.is_pii_key('mailing'),
    'keys are compared without case, and to their end'
);

SELECT * FROM finish();
ROLLBACK;
