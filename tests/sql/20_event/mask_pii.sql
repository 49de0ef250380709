-- mask_pii() and mask_text(): what is kept of a refused payload holds no personal data, and keeps its shape.
BEGIN;
SELECT plan(9);

SELECT is(
    attribution.mask_text('mail bob@example.com, call +14155550100 from 203.0.113.7 with 4111 1111 1111 1111'),
    'mail [e-mail address], call [phone number] from [IP address] with [card number]', 'each kind is replaced by its name'
);
SELECT is(attribution.mask_text('Chrome/119.0.0.0 paid 19.99'), 'Chrome/119.0.0.0 paid 19.99', 'other text stays');
SELECT is(attribution.mask_text(NULL), NULL, 'null stays null');
SELECT is(
    attribution.mask_pii('{"email": "x", "n": 1, "ok": true, "none": null, "list": ["a", "b@c.de", 4111111111111111]}'),
    '{"email": "[masked]", "n": 1, "ok": true, "none": null, "list": ["a", "[e-mail address]", "[card number]"]}',
    'values of personal keys are masked whole, lists keep their order and length'
);
SELECT is(
    attribution.mask_pii('{"name": "Ann", "campaign": {"name": "Spring"}, "customer": {"name": "Ann"}}'),
    '{"name": "[masked]", "campaign": {"name": "Spring"}, "customer": {"name": "[masked]"}}',
    'the name of a person is masked, that of a thing is not'
);
SELECT is(attribution.mask_pii('{"bob@example.com": 1}'), '{"[e-mail address]": 1}', 'keys are masked too');
SELECT is(attribution.mask_pii('{"phone": {"a": ["deep"]}}'), '{"phone": "[masked]"}', 'with all that lies below them');
SELECT is(attribution.mask_pii('{}'), '{}', 'an empty object stays one');
SELECT is(
    length(attribution.mask_pii((repeat('[', 1000) || '"b@c.de"' || repeat(']', 1000))::jsonb)::text),
    length(repeat('[', 21) || '"[masked: nested deeper than 20 levels]"' || repeat(']', 21)),
    'what is nested deeper than 20 levels is masked whole'
);

SELECT * FROM finish();
ROLLBACK;
