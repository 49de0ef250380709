-- resolve_label(): what match_channel() says of a label, for every label that means something and for some that don't.
BEGIN;
SELECT plan(4);
SELECT tenant_id AS shop FROM attribution.create_tenant('Shop', 'ops@shop.example') \gset
INSERT INTO attribution.channel_aliases (tenant_id, match_kind, match_value, channel_code) VALUES
(:'shop', 'label', 'google ads', 'affiliate'), (:'shop', 'label', 'email', 'sms'), (:'shop', 'label', 'our own', 'partner'),
(:'shop', 'label', 'facebook', 'phone'), (:'shop', 'label', 'unattributed', 'direct'), (NULL, 'label', 'phone', 'referral');

CREATE TEMP TABLE labels AS
SELECT form.label
FROM (
    SELECT c.code AS label FROM attribution.channel_taxonomy AS c
    UNION SELECT a.match_value FROM attribution.channel_aliases AS a
    UNION SELECT unnest(ARRAY['', ' ', 'nowhere', 'google', 'e%', 'facebook_pai', 'gclid', 'google/cpc'])
) AS known
CROSS JOIN LATERAL (VALUES (known.label), (upper(known.label)), ('  ' || replace(known.label, ' ', E'\t ') || ' ')) AS form (label);

PREPARE disagreements AS
SELECT l.label, m.code, attribution.resolve_label(:'shop', l.label) AS resolved
FROM labels AS l
LEFT JOIN LATERAL attribution.match_channel(:'shop', l.label, '{"gclid": "1"}') AS m ON true
WHERE m.code IS DISTINCT FROM attribution.resolve_label(:'shop', l.label);

SELECT is_empty('disagreements', 'both resolve every label alike');
SELECT ok(
    count(r.code) >= 60 AND count(*) - count(r.code) >= 60, 'of which many mean something and many don''t'
) FROM labels AS l CROSS JOIN LATERAL attribution.resolve_label(:'shop', l.label) AS r (code);
UPDATE attribution.channel_taxonomy SET is_active = false WHERE code IN ('sms', 'affiliate', 'phone', 'facebook_paid');
SELECT is_empty('disagreements', 'also when codes are retired');
SELECT is(attribution.resolve_label(:'shop', NULL), NULL, 'no label means nothing');

SELECT * FROM finish();
ROLLBACK;
