-- Global reference data: what every tenant shares and nobody but the owner writes.

CREATE TABLE attribution.currencies (
    code text COLLATE "C" PRIMARY KEY CHECK (code ~ '^[A-Z]{3}$'),
    minor_unit smallint NOT NULL CHECK (minor_unit BETWEEN 0 AND 4)
);

COMMENT ON TABLE attribution.currencies IS 'ISO 4217 currencies in use; money is bigint minor units of one of them.';
COMMENT ON COLUMN attribution.currencies.code IS 'ISO 4217 alphabetic code, upper case.';
COMMENT ON COLUMN attribution.currencies.minor_unit IS 'Decimal digits of the minor unit: 2 for USD, 0 for JPY, 3 for KWD.';

CREATE TABLE attribution.channel_taxonomy (
    code text COLLATE "C" PRIMARY KEY CHECK (code ~ '^[a-z][a-z0-9_]{0,62}$'),
    family text NOT NULL,
    is_paid boolean NOT NULL,
    display_name text NOT NULL,
    is_active boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT now()
);

COMMENT ON TABLE attribution.channel_taxonomy IS 'The channels that credit can go to. A code that was used stays; it is retired with is_active.';
COMMENT ON COLUMN attribution.channel_taxonomy.code IS 'Channel code, lower snake case; what events resolve to and reports group by.';
COMMENT ON COLUMN attribution.channel_taxonomy.family IS 'Coarser group: paid_social, paid_search, display, direct, organic, referral, owned, partner, none.';
COMMENT ON COLUMN attribution.channel_taxonomy.is_paid IS 'True when touches of this channel cost media money.';
COMMENT ON COLUMN attribution.channel_taxonomy.display_name IS 'Name for people.';
COMMENT ON COLUMN attribution.channel_taxonomy.is_active IS 'False: no new event may resolve to it; its history stays.';
COMMENT ON COLUMN attribution.channel_taxonomy.created_at IS 'When the code was added.';

CREATE TABLE attribution.event_types (
    code text COLLATE "C" PRIMARY KEY CHECK (code ~ '^[a-z][a-z0-9_]{0,62}$'),
    kind text COLLATE "C" NOT NULL CHECK (kind IN ('touch', 'conversion', 'refund', 'dispute', 'milestone', 'other')),
    UNIQUE (code, kind)
);

COMMENT ON TABLE attribution.event_types IS 'The event types that apps may send, and what each means to the engine.';
COMMENT ON COLUMN attribution.event_types.code IS 'Event type as sent, lower snake case.';
COMMENT ON COLUMN attribution.event_types.kind IS 'touch (can earn credit), conversion (has value to credit), refund (takes value back), dispute (moves the state of a sale), milestone (a stage that cutoffs and w_shaped look for), other (stored only).';

CREATE TABLE attribution.fx_rates (
    currency text COLLATE "C" NOT NULL REFERENCES attribution.currencies (code) ON DELETE RESTRICT,
    rate_date date NOT NULL CHECK (isfinite(rate_date)),
    rate_to_usd numeric NOT NULL CHECK (rate_to_usd > 0 AND rate_to_usd < 1e12),
    source text NOT NULL CHECK (octet_length(source) BETWEEN 1 AND 200),
    imported_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (currency, rate_date),
    CONSTRAINT fx_rates_not_usd CHECK (currency <> 'USD')
);

COMMENT ON TABLE attribution.fx_rates IS 'Exchange rates to the US dollar, one per currency and day. A sale is converted at the latest rate that is not after its day (UTC).';
COMMENT ON COLUMN attribution.fx_rates.currency IS 'ISO 4217 code; the US dollar has none.';
COMMENT ON COLUMN attribution.fx_rates.rate_date IS 'Day of the rate.';
COMMENT ON COLUMN attribution.fx_rates.rate_to_usd IS 'US dollars per one unit (not minor unit) of the currency.';
COMMENT ON COLUMN attribution.fx_rates.source IS 'Where the rate comes from: the file''s name, or the publisher.';
COMMENT ON COLUMN attribution.fx_rates.imported_at IS 'When it was imported, or last corrected.';

CREATE TABLE attribution.revenue_state_moves (
    from_state text COLLATE "C" NOT NULL,
    to_state text COLLATE "C" NOT NULL,
    restates boolean NOT NULL,
    PRIMARY KEY (from_state, to_state, restates)
);

COMMENT ON TABLE attribution.revenue_state_moves IS 'The legal moves between the states of a transaction; any other is refused (RA006).';
COMMENT ON COLUMN attribution.revenue_state_moves.from_state IS 'State before.';
COMMENT ON COLUMN attribution.revenue_state_moves.to_state IS 'State after.';
COMMENT ON COLUMN attribution.revenue_state_moves.restates IS 'True: not a move that an event makes, but the return to captured when late facts change the history, whose moves are then made again.';

INSERT INTO attribution.currencies (code, minor_unit)
SELECT code, 2 FROM unnest(string_to_array(
    'AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CNY COP '
    'CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR '
    'JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN '
    'NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP '
    'SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VES WST XCD YER ZAR ZMW ZWG', ' ')) AS code
UNION ALL
SELECT code, 0 FROM unnest(string_to_array('BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF', ' ')) AS code
UNION ALL
SELECT code, 3 FROM unnest(string_to_array('BHD IQD JOD KWD LYD OMR TND', ' ')) AS code
UNION ALL
SELECT code, 4 FROM unnest(string_to_array('CLF UYW', ' ')) AS code;

INSERT INTO attribution.channel_taxonomy (code, family, is_paid, display_name) VALUES
('facebook_paid', 'paid_social', true, 'Facebook ads'),
('facebook_brand', 'paid_social', true, 'Facebook brand'),
('google_search_paid', 'paid_search', true, 'Google search ads'),
('google_display_paid', 'display', true, 'Google display ads'),
('tiktok_paid', 'paid_social', true, 'TikTok ads'),
('direct', 'direct', false, 'Direct'),
('organic', 'organic', false, 'Organic search'),
('referral', 'referral', false, 'Referral'),
('email', 'owned', false, 'E-mail'),
('partner', 'partner', false, 'Partner'),
('affiliate', 'partner', true, 'Affiliate'),
('sms', 'owned', false, 'SMS'),
('phone', 'owned', false, 'Phone'),
('unattributed', 'none', false, 'Unattributed');

INSERT INTO attribution.event_types (code, kind) VALUES
('impression', 'touch'), ('click', 'touch'), ('visit', 'touch'), ('call', 'touch'), ('email', 'touch'),
('form_submit', 'touch'), ('partner_touch', 'touch'),
('purchase', 'conversion'), ('subscription', 'conversion'), ('payment', 'conversion'), ('opportunity_won', 'conversion'),
('refund', 'refund'), ('chargeback', 'refund'), ('dispute_opened', 'dispute'), ('dispute_won', 'dispute'),
('contact', 'milestone'), ('appointment_booked', 'milestone'), ('appointment_attended', 'milestone'),
('lead_created', 'milestone'), ('opportunity_created', 'milestone');

INSERT INTO attribution.revenue_state_moves (from_state, to_state, restates) VALUES
('captured', 'partially_refunded', false), ('captured', 'refunded', false), ('partially_refunded', 'refunded', false),
('captured', 'disputed', false), ('disputed', 'captured', false), ('disputed', 'charged_back', false),
('captured', 'captured', true), ('partially_refunded', 'captured', true), ('refunded', 'captured', true),
('disputed', 'captured', true), ('charged_back', 'captured', true);

ALTER TABLE attribution.currencies OWNER TO attribution_owner;
ALTER TABLE attribution.channel_taxonomy OWNER TO attribution_owner;
ALTER TABLE attribution.event_types OWNER TO attribution_owner;
ALTER TABLE attribution.fx_rates OWNER TO attribution_owner;
ALTER TABLE attribution.revenue_state_moves OWNER TO attribution_owner;
GRANT SELECT ON attribution.currencies, attribution.channel_taxonomy, attribution.event_types, attribution.fx_rates,
    attribution.revenue_state_moves
    TO attribution_engine, attribution_app, attribution_reader, attribution_admin;
GRANT INSERT, UPDATE (family, is_paid, display_name, is_active) ON attribution.channel_taxonomy TO attribution_engine;
GRANT INSERT, UPDATE ON attribution.fx_rates TO attribution_engine; -- of the table: LOCK TABLE asks for that
