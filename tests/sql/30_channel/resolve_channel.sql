-- resolve_channel(): a label alone decides when it is given; then click ids, then utm pairs; a tenant's aliases win.
BEGIN;
SELECT plan(24);
SELECT tenant_id AS shop FROM attribution.create_tenant('Shop', 'ops@shop.example') \gset
SELECT tenant_id AS other FROM attribution.create_tenant('Other', 'ops@other.example') \gset
CREATE FUNCTION pg_temp.resolved(p_tenant uuid, p_label text, p_payload jsonb DEFAULT NULL) RETURNS text LANGUAGE sql
RETURN attribution.resolve_channel(p_tenant, p_label, p_payload);

SELECT is(pg_temp.resolved(:'shop', 'email'), 'email', 'a code is itself');
SELECT is(pg_temp.resolved(:'shop', '  E-Mail '), 'email', 'a label is folded before it is looked up');
SELECT is(pg_temp.resolved(:'shop', 'Google Ads'), 'google_search_paid', 'a global alias');
SELECT is(pg_temp.resolved(:'shop', 'google'), NULL, 'google is neither google ads nor google_search_paid');
SELECT is(pg_temp.resolved(:'shop', 'google_ads'), NULL, 'nor is google_ads');
SELECT is(pg_temp.resolved(:'shop', 'e%'), NULL, 'labels are no patterns');
SELECT is(pg_temp.resolved(:'shop', 'unattributed'), NULL, 'unattributed is reserved');
SELECT is(pg_temp.resolved(:'shop', 'nowhere', '{"gclid": "1"}'), NULL, 'a label that is given alone decides');
SELECT is(pg_temp.resolved(:'shop', NULL, NULL), NULL, 'nothing is resolved to nothing');
SELECT is(pg_temp.resolved(:'shop', NULL, '{}'), NULL, 'nor is an empty payload');

SELECT is(pg_temp.resolved(:'shop', NULL, '{"gclid": ""}'), 'google_search_paid', 'a click id decides by being there');
SELECT is(
    pg_temp.resolved(:'shop', NULL, '{"fbclid": "1", "utm_source": "google", "utm_medium": "cpc"}'), 'facebook_paid',
    'a click id goes before utm'
);
SELECT is(
    pg_temp.resolved(:'shop', NULL, '{"utm_source": " Google ", "utm_medium": "CPC"}'), 'google_search_paid', 'an exact utm pair'
);
SELECT is(pg_temp.resolved(:'shop', NULL, '{"utm_source": "acme", "utm_medium": "email"}'), 'email', 'a medium of any source');
SELECT is(pg_temp.resolved(:'shop', NULL, '{"utm_source": "google"}'), NULL, 'half a pair is none');
SELECT is(pg_temp.resolved(:'shop', NULL, '{"utm_medium": "referral"}'), 'referral', 'but a medium alone may be mapped');

INSERT INTO attribution.channel_aliases (tenant_id, match_kind, match_value, channel_code) VALUES
(:'shop', 'label', 'google ads', 'affiliate'), (:'shop', 'label', 'email', 'sms'), (:'shop', 'utm', 'acme/*', 'partner'),
(:'shop', 'utm', '*/email', 'phone'), (:'shop', 'utm', 'google/cpc', 'organic');
SELECT is(pg_temp.resolved(:'shop', 'Google Ads'), 'affiliate', 'a tenant''s alias wins over a global one');
SELECT is(pg_temp.resolved(:'other', 'Google Ads'), 'google_search_paid', 'for that tenant only');
SELECT is(pg_temp.resolved(:'shop', 'email'), 'email', 'but not over an exact code');
SELECT is(
    pg_temp.resolved(:'shop', NULL, '{"utm_source": "acme", "utm_medium": "email"}'), 'partner', 'source/* goes before */medium'
);
SELECT is(
    pg_temp.resolved(:'shop', NULL, '{"utm_source": "google", "utm_medium": "cpc"}'), 'organic', 'an exact pair goes before both'
);
SELECT is(
    pg_temp.resolved(:'shop', NULL, '{"gclid": "1", "utm_source": "zzz", "utm_medium": "email"}'), 'phone',
    'a tenant''s utm mapping wins over a global click id'
);

UPDATE attribution.channel_taxonomy SET is_active = false WHERE code IN ('sms', 'affiliate');
SELECT is(pg_temp.resolved(:'shop', 'sms'), NULL, 'an inactive code is not resolved');
SELECT is(
    pg_temp.resolved(:'shop', 'google ads'), 'google_search_paid', 'and an alias to one yields to the next'
);

SELECT * FROM finish();
ROLLBACK;
