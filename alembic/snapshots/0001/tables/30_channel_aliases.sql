-- What vendors call a channel, mapped to our codes.
--
-- Not a tenant table in the strict sense: rows with a null tenant_id hold for everyone, so the key treats null
-- as a value (NULLS NOT DISTINCT) and there is no (tenant_id, id).

CREATE TABLE attribution.channel_aliases (
    tenant_id uuid REFERENCES attribution.tenants (id) ON DELETE CASCADE,
    match_kind text COLLATE "C" NOT NULL CHECK (match_kind IN ('label', 'utm', 'click_id')),
    match_value text COLLATE "C" NOT NULL
        CHECK (match_value = attribution.fold_label(match_value) AND octet_length(match_value) BETWEEN 1 AND 512),
    channel_code text COLLATE "C" NOT NULL REFERENCES attribution.channel_taxonomy (code) ON DELETE RESTRICT
        CHECK (channel_code <> 'unattributed'),
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT channel_aliases_key UNIQUE NULLS NOT DISTINCT (tenant_id, match_kind, match_value)
);

COMMENT ON TABLE attribution.channel_aliases IS 'Vendor labels, utm source/medium pairs and click ids mapped to channel codes. A tenant''s row wins over a global one.';
COMMENT ON COLUMN attribution.channel_aliases.tenant_id IS 'Tenant whose mapping this is; null: everyone''s.';
COMMENT ON COLUMN attribution.channel_aliases.match_kind IS 'label: the event''s channel; utm: source/medium from the payload; click_id: a payload key such as gclid.';
COMMENT ON COLUMN attribution.channel_aliases.match_value IS 'Folded text (fold_label()): a label, "source/medium" ("source/*" for any medium), or the click id''s key.';
COMMENT ON COLUMN attribution.channel_aliases.channel_code IS 'The channel it means.';
COMMENT ON COLUMN attribution.channel_aliases.created_at IS 'When the mapping was added.';

INSERT INTO attribution.channel_aliases (match_kind, match_value, channel_code) VALUES
('label', 'facebook', 'facebook_paid'), ('label', 'facebook ads', 'facebook_paid'), ('label', 'meta', 'facebook_paid'),
('label', 'meta ads', 'facebook_paid'), ('label', 'google ads', 'google_search_paid'), ('label', 'adwords', 'google_search_paid'),
('label', 'google display', 'google_display_paid'), ('label', 'gdn', 'google_display_paid'), ('label', 'tiktok', 'tiktok_paid'),
('label', 'tiktok ads', 'tiktok_paid'), ('label', '(direct)', 'direct'), ('label', 'organic search', 'organic'),
('label', 'seo', 'organic'), ('label', 'newsletter', 'email'), ('label', 'e-mail', 'email'), ('label', 'text', 'sms'),
('utm', 'facebook/cpc', 'facebook_paid'), ('utm', 'facebook/paid_social', 'facebook_paid'), ('utm', 'google/cpc', 'google_search_paid'),
('utm', 'google/ppc', 'google_search_paid'), ('utm', 'google/display', 'google_display_paid'), ('utm', 'google/organic', 'organic'),
('utm', 'bing/organic', 'organic'), ('utm', 'tiktok/cpc', 'tiktok_paid'), ('utm', 'tiktok/paid_social', 'tiktok_paid'),
('utm', 'newsletter/email', 'email'), ('utm', '*/email', 'email'), ('utm', '*/sms', 'sms'), ('utm', '*/affiliate', 'affiliate'),
('utm', '*/referral', 'referral'), ('utm', '*/organic', 'organic'),
('click_id', 'gclid', 'google_search_paid'), ('click_id', 'dclid', 'google_display_paid'), ('click_id', 'fbclid', 'facebook_paid'),
('click_id', 'ttclid', 'tiktok_paid');

ALTER TABLE attribution.channel_aliases OWNER TO attribution_owner;
GRANT SELECT, INSERT, UPDATE, DELETE ON attribution.channel_aliases TO attribution_engine;
GRANT SELECT ON attribution.channel_aliases TO attribution_app, attribution_reader;
GRANT SELECT, INSERT (tenant_id, match_kind, match_value, channel_code) ON attribution.channel_aliases TO attribution_admin;
